// Single keys: each activates the element that names it in aria-keyshortcuts. They can be switched
// off: speech input sends keys that nobody meant.
const set = document.getElementById("single-keys");
set.checked = localStorage.keys !== "off";
set.addEventListener("change", () => { localStorage.keys = set.checked ? "on" : "off"; });

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !set.checked) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog") || document.querySelector("dialog[open]")) return;
  const element = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
  if (!element?.checkVisibility()) return;
  event.preventDefault();
  if (element.matches("input")) element.select();
  else element.click();
});
