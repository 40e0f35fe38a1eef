// Light or dark theme: follows the system unless the user chooses one. The choice is stored in this browser.

const NAME = "callvault-theme";
const CHOICES = ["light", "dark"];

export function followTheme(select) {
  const stored = localStorage.getItem(NAME);
  apply(CHOICES.includes(stored) ? stored : "system");
  select.value = CHOICES.includes(stored) ? stored : "system";
  select.addEventListener("change", () => {
    localStorage.setItem(NAME, select.value);
    apply(select.value);
  });
}

function apply(theme) {
  document.documentElement.dataset.theme = theme;
}
