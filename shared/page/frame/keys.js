// Keys of the page, and the sheet that lists them. A key that a field or a control uses itself is left to it.

import { h } from "./dom.js";

const KEYS = [
  ["/", "Find a recording"],
  ["r", "Refresh"],
  ["j, k", "Next or previous recording in a list; Enter opens it"],
  ["Space", "Play or pause"],
  ["←, →", "Five seconds back or forward"],
  ["?", "Show this sheet"],
];
const EDITABLE = "input, select, textarea, dialog, [contenteditable]";
const USES_SPACE = "button, a, summary, audio, video";

// `press` is the view's own: it returns whether the key did something.
export function followKeys({ refresh, press }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(EDITABLE)) return;
    if (event.key === " " && event.target.closest?.(USES_SPACE)) return;
    if (act(event.key, refresh, press)) event.preventDefault();
  });
}

function act(key, refresh, press) {
  if (key === "/") return find();
  if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
  if (key === "?") return showKeys();
  if (key !== "r") return press(key);
  refresh();
  return true;
}

function find() {
  const field = document.getElementById("f-value");
  if (field) field.focus();
  else location.hash = "#/recordings?find";
  return true;
}

function move(step) {
  const rows = [...document.querySelectorAll("tbody th a")];
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))].focus();
  return true;
}

export function showKeys() {
  const dialog = h(
    "dialog",
    { class: "card keys", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, "Keys"),
    h(
      "dl",
      {},
      KEYS.map(([key, meaning]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)]),
    ),
    h("div", { class: "buttons" }, h("button", { onclick: () => dialog.close() }, "Close")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return true;
}
