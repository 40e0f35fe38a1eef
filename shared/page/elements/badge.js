// A state as a coloured label with an icon, because not everyone can tell the colours apart.

import { h, svg } from "./dom.js";
import { STATES } from "./format.js";

const SHAPES = {
  good: "M4 8.5 7 11.5 12.5 5",
  busy: "M8 3.5a4.5 4.5 0 1 1-4.5 4.5",
  calm: "M4.5 8h7",
  warn: "M8 3.5v6M8 12v.5",
  bad: "M4.5 4.5l7 7M11.5 4.5l-7 7",
};

export const icon = (tone) =>
  svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: SHAPES[tone] }));

export const badgeOf = (tone, label, meaning = "") =>
  h("span", { class: `badge ${tone}`, title: meaning || null }, icon(tone), label);

export function badge(state) {
  const [label, tone, meaning] = STATES[state] ?? [state, "calm", ""];
  return badgeOf(tone, label, meaning);
}
