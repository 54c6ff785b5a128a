// Buttons stand anywhere and send the one form #deeds, each to its own address.
{
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target.id !== "deeds" || !button) return;
    // A second click while the first is under way does nothing.
    if (button.dataset.busy || (button.dataset.confirm && !confirm(button.dataset.confirm))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const button = detail.triggeringEvent?.submitter;
    if (detail.elt.id !== "deeds" || !button) return;
    detail.path = button.getAttribute("formaction");
    if (button.name) detail.parameters[button.name] = button.value;
    button.dataset.busy = "yes";
    const done = () => { delete button.dataset.busy; };
    detail.elt.addEventListener("htmx:afterRequest", done, { once: true });
  });
}
