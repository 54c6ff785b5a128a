// Says what happened, long enough to be read; they wait for who points at one or is elsewhere.
const toasts = document.getElementById("toasts");
document.addEventListener("told", ({ detail: { value } }) => {
  const toast = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  toast.firstElementChild.textContent = value;
  let left = 8 + value.length / 20;
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
});
