// Bar charts with one or two series. Each has a sentence that describes it for screen readers, and a table of its data.

import { h, svg } from "./dom.js";

const HEIGHT = 100;
const MIN_HEIGHT = 2; // keeps small bars visible

// `bars`: [{title, parts: [{tone, value}]}], stacked. `labels`: text below the axis, spread over it, or with `each` one
// label for each bar.
export function barChart({ id, title, sentence, bars, most, labels, each, table }) {
  const top = Math.max(1e-9, ...bars.map((bar) => bar.parts.reduce((sum, part) => sum + part.value, 0)));
  const drawing = svg(
    "svg",
    {
      viewBox: `0 0 ${bars.length} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${title}. ${sentence}`,
    },
    bars.map((bar, n) => stack(bar, n, top)),
  );
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("h3", { id }, title), h("p", { class: "dim" }, sentence)),
    h("div", { class: "plot" }, h("span", { class: "most dim", "aria-hidden": "true" }, most), drawing),
    h(
      "div",
      { class: `below dim ${each ? "each" : ""}`, "aria-hidden": "true" },
      labels.map((label) => h("span", {}, label)),
    ),
    h("details", {}, h("summary", { id: `${id}-figures` }, "Data"), h("div", { class: "scroll" }, table)),
  );
}

function stack(bar, n, top) {
  let base = HEIGHT;
  const group = svg(
    "g",
    {},
    svg("title", {}, bar.title),
    svg("rect", { class: "hover", x: n, y: 0, width: 1, height: HEIGHT }),
  );
  for (const part of bar.parts) {
    if (!part.value) continue;
    const height = Math.max(MIN_HEIGHT, (part.value / top) * HEIGHT);
    base -= height;
    group.append(svg("rect", { class: part.tone, x: n + 0.12, y: base, width: 0.76, height }));
  }
  return group;
}

export const figures = (caption, columns, rows) =>
  h(
    "table",
    { class: "figures" },
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((title) => h("th", { scope: "col" }, title)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map(([first, ...rest]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, first),
          rest.map((value) => h("td", {}, value)),
        ),
      ),
    ),
  );
