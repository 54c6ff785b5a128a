// What has data-dialog opens the page that it leads to in a dialog.
{
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "confirm-title");
  document.body.append(dialog);
  document.addEventListener("click", async (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      dialog.replaceChildren();
      await htmx.ajax("GET", opener.href || opener.formAction, dialog);
      if (dialog.firstElementChild && !dialog.open) dialog.showModal();
    } else if (event.target === dialog || event.target.closest("dialog [data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  // Done, or refused for a reason that the page tells; what was typed wrong is told here.
  dialog.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.requestConfig.verb === "post" && detail.xhr.status !== 422) dialog.close();
  });
}
