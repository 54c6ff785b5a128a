// Errors stand in #messages until what failed succeeds: a poll by a poll, a deed by a deed.
const messages = document.getElementById("messages");
let failed = "";
const clear = () => { messages.replaceChildren(); failed = ""; };
const kind = (event) => event.detail.requestConfig?.verb;
document.addEventListener("click", (event) => { if (event.target.closest("[data-dismiss]")) clear(); });
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== messages) return;
  const told = new DOMParser().parseFromString(event.detail.serverResponse, "text/html").body;
  // What a poll hits again is not announced again.
  if (failed && told.textContent.trim() === messages.textContent.trim()) event.detail.shouldSwap = false;
  failed = kind(event);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && failed && failed === kind(event)) clear();
});
document.addEventListener("htmx:sendError", (event) => {
  if (failed) return;
  failed = kind(event);
  messages.replaceChildren(document.getElementById("unreachable").content.cloneNode(true));
});
