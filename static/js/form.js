// The configure form: shows a secret while its button is pressed, and marks fields with errors.
const configure = () => document.getElementById("configure");
const mark = () => {
  for (const message of configure()?.querySelectorAll(".message") ?? []) {
    const input = document.getElementById(message.id.slice(0, -"-message".length));
    if (message.querySelector(".error")) input.setAttribute("aria-invalid", "true");
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
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  mark();
  // After a rejection, focus the first wrong field.
  if (ctx.request && ctx.target?.id === "configure") configure()?.querySelector("[aria-invalid]")?.focus();
});

// A field is checked when the person leaves it; only that field is sent. If the person leaves the
// field by pressing a button, the check waits for the button's release: otherwise its message
// would move the button away from under the pointer.
let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { pressed = false; }, true);
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement: field, request: { body } } = event.detail.ctx;
  if (!field.dataset.sends) return;
  for (const name of new Set(body.keys())) if (!field.dataset.sends.split(" ").includes(name)) body.delete(name);
  if (!pressed) return;
  event.preventDefault();
  document.addEventListener("pointerup", () => setTimeout(() => htmx.trigger(field, "change", {}, false)), { once: true });
});
