// Buttons anywhere on a page send the form #actions. Each button has its own address.
{
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target.id !== "actions" || !button) return;
    // A second click is ignored while the first one's request is under way.
    if (button.dataset.busy || (button.dataset.confirm && !confirm(button.dataset.confirm))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
  document.addEventListener("htmx:config:request", ({ detail: { ctx: { sourceElement, request } } }) => {
    if (sourceElement.id !== "actions" || !request.submitter) return;
    request.action = request.submitter.getAttribute("formaction");
    request.submitter.dataset.busy = "yes";
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx: { request } } }) => {
    delete request.submitter?.dataset.busy;
  });
}
