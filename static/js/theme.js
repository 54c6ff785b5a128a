// Applies the chosen theme at once; the server remembers it in a cookie.
document.addEventListener("theme", ({ detail: { value } }) => {
  const { dataset } = document.documentElement;
  if (value === "system") delete dataset.theme;
  else dataset.theme = value;
  for (const button of document.querySelectorAll("[name=theme]")) button.setAttribute("aria-pressed", button.value === value);
});
