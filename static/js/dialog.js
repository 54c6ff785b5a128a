// What asks before a deed is a page; where scripts run, its content opens in a dialog.
const dialog = document.getElementById("dialog");
let opener;

async function ask(address, from) {
  if (dialog.open) return;
  opener = from;
  dialog.replaceChildren();
  await htmx.ajax("GET", address, { target: dialog, swap: "innerHTML" });
  if (dialog.childElementCount && !dialog.open) dialog.showModal();
}

// Of a page that is left for another and shown again, the dialog is closed.
window.addEventListener("pagehide", () => dialog.close());
// The opener may have been put anew in the meantime, so it is found again by its id.
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
  if (target.matches("dialog")) target.close(); // Beside it: its content covers it all.
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

// An answer without content is a deed that is done: its toast says so.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (dialog.contains(detail.elt) && detail.xhr.status === 204) dialog.close();
});
