// Keyboard shortcuts. A key activates the element whose aria-keyshortcuts names it. Single keys can
// be switched off, because speech input may press keys by accident.
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
