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
