// The panel "Checks": each failed check with its reason, its fix and its runbook; the passed checks in one line.

import { badgeOf } from "./badge.js";
import { h } from "./dom.js";
import { count, sentence, time } from "./format.js";
import { isKnown, meaningOf } from "./reasons.js";

const NAMES = {
  tables: ["Tables", "The tables can't be reached"],
  queue: ["Queue", "The queue can't be reached"],
  poison: ["Poison queue", "Messages stay on the poison queue"],
  archive: ["Archive", "The archive can't be reached"],
  acs: ["ACS", "ACS can't be reached"],
  deadline: ["Deadlines", "A deadline is near"],
  catalogue: ["Catalogue", "Some rows can't be read"],
  sweep: ["Sweep", "The sweep doesn't run"],
  quarantine: ["Quarantine", "Events are in the quarantine"],
  "dead-letters": ["Dead letters", "Dead letters are waiting"],
  announcements: ["Announcements", "Announcements are overdue"],
  calls: ["Automatic recording", "Calls were not recorded"],
};

export const failedChecks = (summary) => (summary.checks ?? []).filter((one) => !one.ok);

// If ACS answers but refuses, the title says what ACS refuses, because somebody must act.
export const titleOf = (check) =>
  check.name === "acs" && isKnown(check.reason)
    ? meaningOf(check.reason)
    : (NAMES[check.name]?.[1] ?? `Check ${check.name} failed`);
const nameOf = (check) => NAMES[check.name]?.[0] ?? check.name;

export function checksPanel(summary) {
  const failed = failedChecks(summary);
  const passed = summary.checks.filter((one) => one.ok);
  return [
    h(
      "div",
      { class: "bar" },
      h("h2", { id: "checks-title" }, "Checks"),
      h("span", { class: "dim" }, `as of ${time(summary.checkedAt)}`),
    ),
    failed.length ? h("ul", { class: "findings" }, failed.map(finding)) : null,
    h(
      "details",
      { class: "passed" },
      h("summary", { id: "checks-passed" }, `${count(passed.length, "check")} passed`),
      h("p", { class: "dim" }, passed.map(nameOf).join(", ")),
    ),
  ];
}

const finding = (check) =>
  h(
    "li",
    {},
    h(
      "p",
      { class: "bar" },
      badgeOf(check.severity === "danger" ? "bad" : "warn", check.severity === "danger" ? "Danger" : "Warning"),
      h("strong", {}, titleOf(check)),
      h("code", {}, check.reason),
    ),
    h("p", {}, sentence(check.detail)),
    check.name === "quarantine" ? h("p", {}, h("a", { id: "quarantined", href: "#/quarantine" }, "Show the quarantine")) : null,
    check.runbook
      ? h(
          "p",
          {},
          h("a", { id: `runbook-${check.name}`, href: `#/runbooks/${check.runbook}` }, `Runbook: ${check.runbook}`),
        )
      : null,
  );
