// A question before an action is a page of its own. This script opens its content in a dialog.
const dialog = document.getElementById("dialog");
let opener;

async function ask(address, from) {
  if (dialog.open) return;
  opener = from;
  dialog.replaceChildren();
  await htmx.ajax("GET", address, { target: dialog, swap: "innerHTML" });
  if (dialog.childElementCount && !dialog.open) dialog.showModal();
}

// Close the dialog when the page is left, so that Back does not show it again.
window.addEventListener("pagehide", () => dialog.close());
// The stream may have replaced the opener while the dialog was open, so find it by its id.
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
  if (target.matches("dialog")) target.close(); // The content covers the dialog, so this is a click on the backdrop.
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

// A response without content means that the action has started. A toast reports it.
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.response?.status === 204 && dialog.contains(ctx.sourceElement)) dialog.close();
});
