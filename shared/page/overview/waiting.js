// The panel "Waiting chunks": chunks whose last attempt failed, by reason, each with a button that retries all of them.

import { h } from "./dom.js";
import { count, sentence } from "./format.js";
import { meaningOf } from "./reasons.js";
import { retryAllButton } from "./replay.js";

export const waitingPanel = (groups, then) => [
  h("h2", { id: "waiting-title" }, "Waiting chunks"),
  h(
    "ul",
    { class: "findings" },
    groups.map((one) =>
      h(
        "li",
        {},
        h(
          "p",
          { class: "bar" },
          h("strong", {}, `${count(one.chunks, "chunk")} can't be copied: ${meaningOf(one.reason)}`),
          h("code", {}, one.reason),
          h("span", { class: "spacer" }),
          retryAllButton({ reason: one.reason, then }),
        ),
        one.detail ? h("p", { class: "dim" }, sentence(one.detail)) : null,
        h("p", {}, h("a", { id: `runbook-${one.reason}`, href: "#/runbooks/chunk-failed" }, "Runbook: chunk-failed")),
      ),
    ),
  ),
];
