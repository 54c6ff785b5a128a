// A question before an action is a page of its own; with a script its content opens in a dialog.
const dialog = document.getElementById("dialog");
let opener;

async function ask(address, from) {
  if (dialog.open) return;
  opener = from;
  dialog.replaceChildren();
  await htmx.ajax("GET", address, { target: dialog, swap: "innerHTML" });
  if (dialog.childElementCount && !dialog.open) dialog.showModal();
}

// A page that is left and shown again by Back shows no dialog.
window.addEventListener("pagehide", () => dialog.close());
// The opener may have been replaced meanwhile, so it is looked up by its id.
dialog.addEventListener("close", () => (document.getElementById(opener?.id) ?? opener)?.focus());

document.addEventListener("click", (event) => {
  const { target } = event;
  const link = target.closest("a[data-dialog]");
  if (link && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
    event.preventDefault();
    ask(link.href, link);
  }
  const close = target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
  }
  if (target.matches("dialog")) target.close(); // A click on the backdrop: the content covers the rest.
  const opens = target.closest("[data-opens]");
  if (opens) document.getElementById(opens.dataset.opens).showModal();
});
document.addEventListener("submit", (event) => {
  const { submitter: button, target: form } = event;
  if (!button?.matches("[data-dialog]")) return;
  event.preventDefault();
  const address = new URL(button.formAction);
  address.search = new URLSearchParams(new FormData(form, button));
  ask(address.href, button);
});

// An answer without content means that the action was taken: a toast says so.
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.response?.status === 204 && dialog.contains(ctx.sourceElement)) dialog.close();
});
