// The table of recordings, used by the list and the overview.

import { badge } from "./badge.js";
import { h } from "./dom.js";
import { REPLAYABLE, SAFE, count, moment, secondsUntil, short, size, span } from "./format.js";
import { replayButton } from "./replay.js";

const idOf = (row) => row.recordingId ?? row.recordingKey;
const nameOf = (row) => row.correlation || `Recording ${short(row.recordingKey ?? idOf(row), 8)}`;
const addressOf = (row) => `#/recordings/${encodeURIComponent(idOf(row))}`;
export const kindOf = (row) => [row.channel, row.content, row.format].filter(Boolean).join(" ");

export const recordingsTable = (caption, rows, then) =>
  h(
    "table",
    {},
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Recording", "State", "Requested", "Length", "Size", "Chunks", "Deadline or problem"].map((title) =>
          h("th", { scope: "col" }, title),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) => tableRow(row, then)),
    ),
  );

const cell = (label, ...content) => h("td", { "data-label": label }, content);
const tight = (label, text) => h("td", { "data-label": label, class: "tight" }, text);

const tableRow = (row, then) =>
  h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      h("a", { id: `row-${row.recordingKey}`, href: addressOf(row) }, nameOf(row)),
      h("span", { class: "dim under" }, kindOf(row) || (row.unlinked ? "unknown call" : "")),
    ),
    cell("State", badge(row.state)),
    tight("Requested", moment(row.listedAt)),
    tight("Length", row.durationMs === null ? "–" : span(row.durationMs / 1000)),
    tight("Size", row.size ? size(row.size) : "–"),
    tight("Chunks", chunks(row)),
    cell("Deadline or problem", problemsOf(row, then)),
  );

function chunks(row) {
  const all = Object.values(row.chunks).reduce((sum, one) => sum + one, 0);
  const safe = Object.entries(row.chunks).reduce((sum, [state, one]) => sum + (SAFE.has(state) ? one : 0), 0);
  if (!all) return "none yet";
  return safe === all ? `${all} archived` : `${safe} of ${all} archived`;
}

export const timeLeft = (deadline) => {
  const seconds = secondsUntil(deadline);
  return seconds > 0 ? `${span(seconds)} left` : "deadline passed";
};

function problemsOf(row, then) {
  if (row.trouble.length) {
    return [
      h(
        "ul",
        { class: "bare" },
        row.trouble.map((item) => h("li", {}, problemText(item))),
      ),
      row.trouble.some((item) => REPLAYABLE.has(item.state))
        ? replayButton({ recording: idOf(row), about: nameOf(row), then })
        : null,
    ];
  }
  return row.deadline ? h("span", { class: "dim" }, timeLeft(row.deadline)) : h("span", { class: "dim" }, "–");
}

const problemText = (item) => [
  item.documentId ? `Chunk ${item.index} ${item.state}: ` : "Files overdue: ",
  h("strong", {}, item.reason ?? "unknown"),
  item.state === "failed" && item.deadline ? `, ${timeLeft(item.deadline)}` : "",
  item.detail ? h("span", { class: "dim under" }, item.detail) : null,
];

export const recordingCount = (rows, more) => `${count(rows, "recording")}${more ? ", more available" : ""}`;
