// What HTML and htmx can't say by themselves. Everything works without this file.

// Tells it to those who don't see it.
const tell = (words) => { document.getElementById("told").textContent = words; };

// A button with data-copy="#id" copies that text. On plain http browsers keep the
// clipboard to themselves, so the text is selected and copied the older way.
async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const label = button.firstChild;
  const before = label.data;
  if (button.dataset.busy) return;
  button.dataset.busy = "yes";
  try {
    await navigator.clipboard.writeText(source.textContent);
    label.data = "Copied";
  } catch {
    window.getSelection().selectAllChildren(source);
    label.data = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
  }
  tell(label.data);
  setTimeout(() => { label.data = before; delete button.dataset.busy; tell(""); }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-dismiss]");
  if (button?.dataset.copy) copy(button);
  else if (button) clear();
});

// A plain form with data-once is sent once, until the page is shown again.
const sent = new Set();
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-once]")) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});
window.addEventListener("pageshow", () => sent.clear());

// Boxes of lines stay at their end while their reader is there, and else where they are.
const away = new WeakSet();
const follow = () => {
  for (const box of document.querySelectorAll(".lines")) if (!away.has(box)) box.scrollTop = box.scrollHeight;
};
document.addEventListener("scroll", ({ target: box }) => {
  if (!box.matches?.(".lines")) return;
  if (box.scrollHeight - box.scrollTop - box.clientHeight < 8) away.delete(box);
  else away.add(box);
}, true);
// At once, before the swap itself is taken for a scroll of the reader's.
document.addEventListener("htmx:afterSwap", follow);
document.addEventListener("live:lines", follow);
follow();

// Errors stand in #messages until what failed succeeds: a poll by a poll, a deed by a deed.
const messages = () => document.getElementById("messages");
let failed = "";
const clear = () => { messages().replaceChildren(); failed = ""; };
const kind = (event) => event.detail.requestConfig?.verb;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== messages()) return;
  const told = new DOMParser().parseFromString(event.detail.serverResponse, "text/html").body;
  // What a poll hits again is not announced again.
  if (failed && told.textContent.trim() === messages().textContent.trim()) event.detail.shouldSwap = false;
  failed = kind(event);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && failed && failed === kind(event)) clear();
});
document.addEventListener("htmx:sendError", (event) => {
  if (failed) return;
  failed = kind(event);
  const template = document.getElementById("unreachable");
  messages().replaceChildren(template.content.cloneNode(true));
});
