// The filter form of the list. The filters are also in the URL's fragment, so a filtered list can be linked to.
// A participant's id is personal data: it is sent as a header, and never stored or put into the fragment.

import { dayOf } from "./days.js";
import { h } from "./dom.js";
import { RECORDING_STATES, STATES, zone } from "./format.js";

const KEYS = {
  correlation: ["Correlation", "exact value, such as case 4711"],
  label: ["Label", "name=value, such as case=4711"],
  callId: ["Call ID", "such as 421f0b00-6d5a-4b51-9f5c-0d5e7a1c2b3d"],
  serverCallId: ["Server call ID", "such as aHR0cHM6Ly9…"],
  callConnectionId: ["Call connection ID", "such as 421f0b00-6d5a-4b51-9f5c-0d5e7a1c2b3d"],
  participant: ["Participant ID", "+49 151 23456789, or 8:acs:… from Teams or ACS"],
};
const SORTS = [
  ["", "Newest"],
  ["left", "Time left"],
  ["size", "Size"],
];
const VIEWS = [
  ["All", () => ({})],
  ["Today", () => ({ from: dayOf(0) })],
  ["Last seven days", () => ({ from: dayOf(6) })],
  ["Needs attention", () => ({ attention: "true" })],
];
const IN_FRAGMENT = [
  ...["from", "to", "state", "open", "trouble", "attention", "sort", "cursor"],
  ...Object.keys(KEYS).filter((name) => name !== "participant"),
];

export function filters(parameters, changed) {
  const searched = Object.keys(KEYS).find((name) => parameters.get(name)) ?? "correlation";
  const by = choice("by", Object.entries(KEYS).map(([name, [label]]) => [name, label]), searched);
  const value = h("input", {
    id: "f-value",
    type: "search",
    value: parameters.get(searched) ?? "",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: KEYS[searched][1],
  });
  const states = RECORDING_STATES.map((name) => [name, STATES[name][0]]);
  const state = choice("state", [["", "Any"], ...states], parameters.get("state") ?? "");
  const sort = choice("sort", SORTS, parameters.get("sort") ?? "");
  const [from, to] = [day("from", parameters), day("to", parameters)];
  const [open, trouble] = [check("open", parameters), check("trouble", parameters)];
  const attention = check("attention", parameters);
  const values = () => ({
    from: from.value,
    to: to.value,
    state: state.value,
    sort: sort.value,
    open: open.checked && "true",
    trouble: trouble.checked && "true",
    attention: attention.checked && "true",
    [by.value]: value.value.trim(),
  });
  const submit = (event) => {
    event.preventDefault();
    const sendable = by.value !== "participant" || /^[\x20-\x7e]*$/.test(value.value); // as a header
    value.setCustomValidity(sendable ? "" : "A participant ID contains only ASCII characters.");
    if (form.reportValidity()) changed();
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
    field(`From (${zone()})`, from),
    field(`To (${zone()})`, to),
    field("Sort by", sort),
    h(
      "div",
      { class: "checks" },
      checkbox("Only open", open),
      checkbox("Only in trouble", trouble),
      checkbox("Only needing attention", attention),
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "primary" }, "Find"),
      h("a", { class: "button quiet", href: "#/recordings" }, "Clear"),
    ),
  );
  for (const one of [state, sort, from, to, open, trouble, attention]) one.addEventListener("change", submit);
  const clearError = () => value.setCustomValidity("");
  value.addEventListener("input", clearError);
  by.addEventListener("change", () => {
    clearError();
    value.placeholder = KEYS[by.value][1];
  });
  return { form, values };
}

// Links to the views that operators open most.
export function savedViews(parameters) {
  const shown = parameters.toString();
  return h(
    "nav",
    { class: "views", "aria-label": "Saved views" },
    VIEWS.map(([name, values]) => {
      const href = fragmentOf(values());
      const isShown = new URLSearchParams(href.split("?")[1] ?? "").toString() === shown;
      return h("a", { class: "button quiet", href, "aria-current": isShown ? "page" : null }, name);
    }),
  );
}

// The fragment for the given filters.
export function fragmentOf(values) {
  const parameters = IN_FRAGMENT.filter((name) => values[name]).map((name) => [name, values[name]]);
  const query = new URLSearchParams(parameters).toString();
  return `#/recordings${query ? `?${query}` : ""}`;
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
