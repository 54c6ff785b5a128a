// The configure form: shows a secret while its button is pressed, and marks fields by what is said of them.
const configure = () => document.getElementById("configure");
const mark = () => {
  for (const said of configure()?.querySelectorAll(".said") ?? []) {
    const input = document.getElementById(said.id.slice(0, -"-said".length));
    if (said.querySelector(".error")) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  for (const button of configure()?.querySelectorAll(".show") ?? [])
    button.setAttribute("aria-pressed", shownBy(button).type === "text");
};
const shownBy = (button) => document.getElementById(button.getAttribute("aria-controls"));
document.addEventListener("click", ({ target }) => {
  const button = target.closest(".show");
  if (!button) return;
  shownBy(button).type = shownBy(button).type === "text" ? "password" : "text";
  mark();
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  mark();
  // A rejected form leads to its first wrong field.
  if (detail.requestConfig?.target.id === "configure") configure()?.querySelector("[aria-invalid]")?.focus();
});

// Leaving a field by pressing a button: the check waits until the press is over, since what
// it says would move the button away from under the pointer.
let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { pressed = false; }, true);
document.addEventListener("htmx:confirm", (event) => {
  if (!pressed || !event.target.matches(".field")) return;
  event.preventDefault();
  document.addEventListener("pointerup", () => setTimeout(event.detail.issueRequest, 0, true), { once: true });
});
