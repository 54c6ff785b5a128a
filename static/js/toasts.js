// Shows toasts long enough to be read. The time stops while the pointer or the focus is on a toast,
// or the tab is hidden. Responses (HX-Trigger) and the stream (<hx-toast>) send toasts.
const toasts = document.getElementById("toasts");

function showToast(words) {
  const toast = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  toast.firstElementChild.textContent = words;
  let left = 8 + words.length / 20;
  const end = () => {
    clearInterval(clock);
    if (toast.contains(document.activeElement)) document.getElementById("content").focus();
    toast.remove();
  };
  const clock = setInterval(() => {
    if (!document.hidden && !toasts.matches(":hover, :focus-within") && --left < 0) end();
  }, 1000);
  toast.lastElementChild.addEventListener("click", end);
  toasts.append(toast);
}

document.addEventListener("toast", ({ detail: { value } }) => showToast(value));
htmx.registerExtension("toasts", { htmx_process_toast: ({ content }) => showToast(content.textContent) });
