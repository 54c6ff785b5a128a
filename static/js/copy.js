// A button with data-copy="#id" copies the text of that element. On plain HTTP, browsers have no
// clipboard API, so the text is selected and copied with execCommand.
const announce = (words) => { document.getElementById("announcement").textContent = words; };

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
  announce(label.data);
  setTimeout(() => { label.data = before; delete button.dataset.busy; announce(""); }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
