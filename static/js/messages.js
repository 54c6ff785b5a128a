// Errors stand in #messages until what failed succeeds: a poll by a poll, a deed by a deed.
// Behind an open dialog nobody would see them: there they stand in it.
const page = document.getElementById("messages");
let messages = page, failed = "";

function place() {
  const open = document.querySelector("dialog[open]");
  messages = open ? open.querySelector("[role=alert]") ?? document.createElement("div") : page;
  if (open && !messages.parentElement) {
    messages.role = "alert";
    open.prepend(messages);
  }
  return messages;
}

const clear = () => { messages.replaceChildren(); failed = ""; };
const kind = ({ detail }) => detail.requestConfig?.verb;
document.addEventListener("click", (event) => { if (event.target.closest("[data-dismiss]")) clear(); });
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== page) return;
  detail.target = place();
  const told = new DOMParser().parseFromString(detail.serverResponse, "text/html").body;
  // What a poll hits again is not announced again.
  if (failed && told.textContent.trim() === messages.textContent.trim()) detail.shouldSwap = false;
  failed = kind({ detail });
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && failed && ["lost", kind(event)].includes(failed)) clear();
});
// Whatever is heard again says that it answers.
document.addEventListener("live:parts", () => { if (failed === "lost") clear(); });
document.addEventListener("htmx:sendError", (event) => {
  if (failed) return;
  failed = "lost";
  place().replaceChildren(document.getElementById("unreachable").content.cloneNode(true));
});
