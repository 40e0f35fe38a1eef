// Shows an error with the app's own message, and the problem of each field if there are several. Also has the text
// that is shown until the first answer arrives.

import { h } from "./dom.js";

export const loading = (what = "") => h("p", { class: "dim loading" }, `Loading${what ? ` ${what}` : ""} …`);

// Replaces the loading text after a request has failed.
export function notLoaded(root) {
  for (const one of root.querySelectorAll(".loading")) one.textContent = "Not loaded.";
}

export const problemNote = (problem) =>
  h(
    "div",
    { class: "note bad" },
    h("p", {}, h("strong", {}, problem.reason ? `${problem.reason}: ` : ""), problem.message),
    problem.fields.length > 1
      ? h(
          "ul",
          {},
          problem.fields.map((item) => h("li", {}, h("code", {}, item.field), ` ${item.detail}`)),
        )
      : null,
  );
