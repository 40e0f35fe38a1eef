// The result of an action, shown at the bottom of the window and spoken. It outlives a refresh of the view.

import { h } from "./dom.js";

const SHOWN = 8000; // milliseconds; a failure stays until it is closed

export function toast(text, { failed = false } = {}) {
  const close = h("button", { class: "quiet small", "aria-label": "Close this message" }, "Close");
  const element = h("div", { class: `toast ${failed ? "bad" : "good"}` }, h("span", {}, text), close);
  const remove = () => element.remove();
  close.addEventListener("click", remove);
  document.getElementById("toasts").replaceChildren(element);
  if (!failed) setTimeout(remove, SHOWN);
}
