// The table of recordings, used by the list and the overview: one line for a recording where it fits. A column in which
// no recording has a value is left out.

import { badge } from "./badge.js";
import { h } from "./dom.js";
import { REPLAYABLE, SAFE, count, rowMoment, secondsUntil, sentence, size, span, zone } from "./format.js";
import { nameOf } from "./names.js";
import { replayButton } from "./replay.js";

const idOf = (row) => row.recordingId ?? row.recordingKey;
export const addressOf = (row) => `#/recordings/${encodeURIComponent(idOf(row))}`;
export const kindOf = (row) => [row.channel, row.content, row.format].filter(Boolean).join(" ");

const COLUMNS = () => [
  { title: `Started (${zone()})`, kind: "tight", text: (row) => rowMoment(row.listedAt) },
  { title: "Participants", kind: "number", text: (row) => (row.participants ? `${row.participants}` : ""), unit: participantUnit },
  { title: "Length", kind: "number", text: (row) => (row.durationMs === null ? "" : span(row.durationMs / 1000)) },
  { title: "Size", kind: "number", text: (row) => (row.size ? size(row.size) : "") },
  { title: "Chunks", kind: "number", text: chunks, unit: chunkUnit },
  { title: "Kind", kind: "tight kind dim", text: (row) => kindOf(row) || (row.unlinked ? "unknown call" : "") },
];

export function recordingsTable(caption, rows, then) {
  const columns = COLUMNS().filter(({ text }) => rows.some(text));
  const hasProblems = rows.some((row) => row.trouble.length || row.deadline);
  const titles = [["Recording"], ["State"], ...columns.map(({ title, kind }) => [title, kind])];
  if (hasProblems) titles.push(["Time left or problem"]);
  return h(
    "table",
    { class: "recordings" },
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        titles.map(([title, kind = ""]) => h("th", { scope: "col", class: kind.replace(/dim.*/, "") }, title)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, h("a", { id: `row-${row.recordingKey}`, href: addressOf(row) }, nameOf(row, row.participants))),
          h("td", { class: "state" }, badge(row.state)),
          columns.map(({ kind, text, unit }) => h("td", { class: kind, "data-unit": unit && text(row) ? unit(row) : null }, text(row))),
          hasProblems ? h("td", { class: "problem" }, h("div", { class: "between" }, problemsOf(row, then))) : null,
        ),
      ),
    ),
  );
}

function chunks(row) {
  const all = Object.values(row.chunks).reduce((sum, one) => sum + one, 0);
  const safe = Object.entries(row.chunks).reduce((sum, [state, one]) => sum + (SAFE.has(state) ? one : 0), 0);
  if (!all) return "";
  return safe === all ? `${all}` : `${safe} of ${all} archived`;
}

// For a phone, where the columns have no titles.
const participantUnit = (row) => (row.participants === 1 ? " person" : " people");
const chunkUnit = (row) => (/^\d+$/.test(chunks(row)) ? (chunks(row) === "1" ? " chunk" : " chunks") : "");

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
        ? replayButton({ recording: idOf(row), about: nameOf(row, row.participants), then })
        : null,
    ];
  }
  return row.deadline ? h("span", { class: "dim" }, timeLeft(row.deadline)) : null;
}

const problemText = (item) => [
  item.documentId ? `Chunk ${item.index} ${item.state}: ` : "Files overdue: ",
  h("strong", {}, item.reason ?? "unknown"),
  item.state === "failed" && item.deadline ? `, ${timeLeft(item.deadline)}` : "",
  item.acknowledgedBy ? h("span", { class: "dim under" }, `acknowledged by ${item.acknowledgedBy}`) : null,
  item.detail && !item.acknowledgedBy ? h("span", { class: "dim under" }, sentence(item.detail)) : null,
];

export const recordingCount = (rows, more) => `${count(rows, "recording")}${more ? ", more available" : ""}`;
