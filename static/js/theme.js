// The theme that was chosen shows at once; the server keeps it for the pages to come.
document.addEventListener("theme", ({ detail: { value } }) => {
  const { dataset } = document.documentElement;
  if (value === "system") delete dataset.theme;
  else dataset.theme = value;
  for (const button of document.querySelectorAll("[name=theme]")) button.setAttribute("aria-pressed", button.value === value);
});
