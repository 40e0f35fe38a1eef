// What a list is narrowed by: a form, and the fragment that says the same so that a list can be linked to.
// A participant's id is personal data: it is kept in neither the fragment nor anywhere else, and sent as a header.

import { h } from "./dom.js";
import { RECORDING_STATES, STATES } from "./format.js";

const KEYS = {
  correlation: "Correlation",
  callId: "Call ID",
  serverCallId: "Server call ID",
  callConnectionId: "Call connection ID",
  participant: "Participant ID",
};
const IN_FRAGMENT = [
  "from",
  "to",
  "state",
  "open",
  "trouble",
  ...Object.keys(KEYS).filter((name) => name !== "participant"),
];

export function filters(parameters, changed) {
  const searched = Object.keys(KEYS).find((name) => parameters.get(name)) ?? "correlation";
  const by = choice("by", Object.entries(KEYS), searched);
  const value = h("input", {
    id: "f-value",
    type: "search",
    value: parameters.get(searched) ?? "",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "exactly this value",
  });
  const state = choice(
    "state",
    [["", "Any"], ...RECORDING_STATES.map((name) => [name, STATES[name][0]])],
    parameters.get("state") ?? "",
  );
  const from = day("from", parameters);
  const to = day("to", parameters);
  const open = check("open", parameters);
  const trouble = check("trouble", parameters);
  const given = () => ({
    from: from.value,
    to: to.value,
    state: state.value,
    open: open.checked && "true",
    trouble: trouble.checked && "true",
    [by.value]: value.value.trim(),
  });
  const tell = (event) => {
    event.preventDefault();
    const sendable = by.value !== "participant" || /^[\x20-\x7e]*$/.test(value.value); // by a header
    value.setCustomValidity(sendable ? "" : "No participant's id has such characters.");
    if (form.reportValidity()) changed();
  };
  const clear = () => {
    for (const field of [value, state, from, to]) field.value = "";
    open.checked = trouble.checked = false;
    changed();
  };
  const form = h(
    "form",
    { class: "card filters", role: "search", "aria-label": "Filter recordings", onsubmit: tell },
    h(
      "div",
      { class: "field grow joined" },
      h("label", { for: "f-value" }, "Find"),
      h("div", { class: "pair" }, h("label", { class: "unseen", for: "f-by" }, "Find by"), by, value),
    ),
    field("State", state),
    field("From (UTC day)", from),
    field("To (UTC day)", to),
    h("div", { class: "checks" }, ticked("Only open", open), ticked("Only in trouble", trouble)),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "primary" }, "Find"),
      h("button", { type: "button", class: "quiet", onclick: clear }, "Clear"),
    ),
  );
  for (const one of [state, from, to, open, trouble]) one.addEventListener("change", tell);
  const forgive = () => value.setCustomValidity("");
  value.addEventListener("input", forgive);
  by.addEventListener("change", forgive);
  return { form, given };
}

// The fragment for what is given.
export function fragmentOf(given) {
  const kept = IN_FRAGMENT.filter((name) => given[name]).map((name) => [name, given[name]]);
  const query = new URLSearchParams(kept).toString();
  return `#/recordings${query ? `?${query}` : ""}`;
}

// The same as a request's parts.
export function requestOf({ participant, ...parameters }) {
  return { parameters, headers: participant ? { "X-Participant-Id": participant } : {} };
}

const field = (label, control) => h("div", { class: "field" }, h("label", { for: control.id }, label), control);
const ticked = (label, control) => h("label", { class: "tick" }, control, label);
const day = (name, parameters) => h("input", { id: `f-${name}`, type: "date", value: parameters.get(name) ?? "" });
const check = (name, parameters) =>
  h("input", { id: `f-${name}`, type: "checkbox", checked: parameters.get(name) === "true" });
const choice = (name, options, chosen) =>
  h(
    "select",
    { id: `f-${name}` },
    options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)),
  );
