// Light or dark: the system's choice, unless a person makes another, which is kept in this browser.

const NAME = "callvault-theme";
const CHOICES = ["light", "dark"];

export function followTheme(select) {
  const kept = localStorage.getItem(NAME);
  apply(CHOICES.includes(kept) ? kept : "system");
  select.value = CHOICES.includes(kept) ? kept : "system";
  select.addEventListener("change", () => {
    localStorage.setItem(NAME, select.value);
    apply(select.value);
  });
}

function apply(theme) {
  document.documentElement.dataset.theme = theme;
}
