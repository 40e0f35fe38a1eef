// What went wrong, in the app's own words, with the mend of each field where it names some.

import { h } from "./dom.js";

export const complaint = (problem) =>
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
