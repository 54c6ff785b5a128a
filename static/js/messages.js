// An error stays in #messages until a request with the same method succeeds.
// An open dialog would hide #messages, so the error is then shown in the dialog.
let messages, failed = "";

function place() {
  const open = document.querySelector("dialog[open]");
  messages = open ? open.querySelector("[role=alert]") ?? document.createElement("div") : document.getElementById("messages");
  if (open && !messages.parentElement) {
    messages.role = "alert";
    open.prepend(messages);
  }
  return messages;
}

const clear = () => { messages?.replaceChildren(); failed = ""; };
document.addEventListener("click", (event) => { if (event.target.closest("[data-dismiss]")) clear(); });
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  const task = tasks.find(({ target }) => target?.id === "messages");
  if (!task) return;
  task.target = place();
  // Don't announce the same error twice.
  if (failed && task.fragment.textContent.trim() === messages.textContent.trim()) event.preventDefault();
  failed = ctx.request.method;
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.response?.raw.ok && ["lost", ctx.request.method].includes(failed)) clear();
});
// An event of the stream shows that the server answers again.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => { if (!ctx.request && failed === "lost") clear(); });
document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (!ctx || ctx.response || failed) return;
  failed = "lost";
  place().replaceChildren(document.getElementById("unreachable").content.cloneNode(true));
});
