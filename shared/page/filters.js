// The filter form of the list. The filters are also in the URL's fragment, so a filtered list can be linked to.
// A participant's id is personal data: it is sent as a header, and never stored or put into the fragment.

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
    placeholder: "exact value",
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
  const values = () => ({
    from: from.value,
    to: to.value,
    state: state.value,
    open: open.checked && "true",
    trouble: trouble.checked && "true",
    [by.value]: value.value.trim(),
  });
  const submit = (event) => {
    event.preventDefault();
    const sendable = by.value !== "participant" || /^[\x20-\x7e]*$/.test(value.value); // as a header
    value.setCustomValidity(sendable ? "" : "A participant ID contains only ASCII characters.");
    if (form.reportValidity()) changed();
  };
  const clear = () => {
    for (const field of [value, state, from, to]) field.value = "";
    open.checked = trouble.checked = false;
    changed();
  };
  const form = h(
    "form",
    { class: "card filters", role: "search", "aria-label": "Filter recordings", onsubmit: submit },
    h(
      "div",
      { class: "field grow joined" },
      h("label", { for: "f-value" }, "Find"),
      h("div", { class: "pair" }, h("label", { class: "unseen", for: "f-by" }, "Find by"), by, value),
    ),
    field("State", state),
    field("From (UTC day)", from),
    field("To (UTC day)", to),
    h("div", { class: "checks" }, checkbox("Only open", open), checkbox("Only in trouble", trouble)),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "primary" }, "Find"),
      h("button", { type: "button", class: "quiet", onclick: clear }, "Clear"),
    ),
  );
  for (const one of [state, from, to, open, trouble]) one.addEventListener("change", submit);
  const clearError = () => value.setCustomValidity("");
  value.addEventListener("input", clearError);
  by.addEventListener("change", clearError);
  return { form, values };
}

// The fragment for the given filters.
export function fragmentOf(values) {
  const parameters = IN_FRAGMENT.filter((name) => values[name]).map((name) => [name, values[name]]);
  const query = new URLSearchParams(parameters).toString();
  return `#/recordings${query ? `?${query}` : ""}`;
}

// The query parameters and headers for the given filters.
export function requestOf({ participant, ...parameters }) {
  return { parameters, headers: participant ? { "X-Participant-Id": participant } : {} };
}

const field = (label, control) => h("div", { class: "field" }, h("label", { for: control.id }, label), control);
const checkbox = (label, control) => h("label", { class: "tick" }, control, label);
const day = (name, parameters) => h("input", { id: `f-${name}`, type: "date", value: parameters.get(name) ?? "" });
const check = (name, parameters) =>
  h("input", { id: `f-${name}`, type: "checkbox", checked: parameters.get(name) === "true" });
const choice = (name, options, chosen) =>
  h(
    "select",
    { id: `f-${name}` },
    options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)),
  );
