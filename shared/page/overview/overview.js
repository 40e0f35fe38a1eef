// The overview, in the order in which an operator needs it at night: status, what needs action, deadlines, then counts
// and charts.

import { get } from "./api.js";
import { badge, icon } from "./badge.js";
import { checksPanel } from "./checks.js";
import { announce, fill, fillIfChanged, h } from "./dom.js";
import { RECORDING_STATES, STATES, plain, span, time } from "./format.js";
import { throughput, timeToSafe } from "./lastday.js";
import { recordingsTable } from "./listing.js";
import { nameOf } from "./names.js";
import { loading } from "./problems.js";
import { verdict } from "./verdict.js";
import { waitingPanel } from "./waiting.js";

const REFRESH_SECONDS = 10;
const OPEN_CHUNKS = ["pending", "copying", "failed"];
const OPEN_RECORDINGS = ["active", "paused", "stopped", "overdue"];

export function overview(root, { refresh: refreshNow }) {
  const card = (title, kind = "") =>
    h("section", { class: `card ${kind}`, "aria-labelledby": title, hidden: true });
  const status = h("section", { class: "verdict", "aria-label": "Status" }, loading());
  const trouble = card("trouble-title", "scroll");
  const waiting = card("waiting-title");
  const checks = card("checks-title");
  const oldest = card("oldest-title", "oldest");
  const tiles = h("section", { class: "tiles", "aria-label": "Open items by state" });
  const charts = [card("throughput"), card("time-to-safe")];
  let lastTitle = "";
  fill(
    root,
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Overview"),
      h("span", { class: "spacer" }),
      h("button", { id: "refresh", class: "quiet", onclick: refreshNow }, "Refresh"),
    ),
    status,
    trouble,
    waiting,
    checks,
    oldest,
    tiles,
    h("div", { class: "columns charts" }, charts),
  );

  async function refresh(signal) {
    const { body } = await get("summary", { signal });
    const current = verdict(body);
    fill(status, banner(current, body.at));
    status.className = `verdict ${current.tone}`;
    if (lastTitle && lastTitle !== current.title) announce(current.title);
    lastTitle = current.title;
    for (const section of [trouble, oldest, ...charts]) section.hidden = false;
    trouble.hidden = !body.trouble.recordings.length;
    fillIfChanged(trouble, [body.trouble, Math.floor(Date.now() / 60_000)], () => inTrouble(body.trouble, refreshNow));
    waiting.hidden = !body.open.waiting.length;
    fillIfChanged(waiting, body.open.waiting, () => waitingPanel(body.open.waiting, refreshNow));
    checks.hidden = !body.checks.length;
    fillIfChanged(checks, [body.checks, body.checkedAt], () => checksPanel(body));
    fill(oldest, deadline(body.open));
    fillIfChanged(tiles, [{ ...body.open, oldest: null }], () => counts(body.open));
    fillIfChanged(charts[0], body.lastDay, () => throughput(body.lastDay));
    fillIfChanged(charts[1], body.lastDay, () => timeToSafe(body.lastDay));
    return REFRESH_SECONDS;
  }

  return { title: "Overview", refresh };
}

const banner = ({ tone, title, detail }, at) => [
  h("span", { class: "seal" }, icon(tone)),
  h("div", { class: "said" }, h("p", { class: "title" }, title), h("p", {}, detail)),
  h("p", { class: "dim" }, `as of ${time(at)}`),
];

function counts(open) {
  const hasAllRecordings = open.complete && open.items === open.examined + open.chunksLeftOut;
  const more = { chunks: open.chunksLeftOut > 0, recordings: !hasAllRecordings };
  const tile = (state, value, what, query) => {
    const [label, tone] = STATES[state] ?? [state, "calm"];
    return h(
      "a",
      { id: `tile-${what}-${state}`, class: `tile ${value ? tone : "zero"}`, href: `#/recordings?${query}` },
      h("span", { class: "figure" }, plain(value) + (more[what] ? "+" : "")),
      h("span", {}, label),
      h("span", { class: "dim" }, what),
    );
  };
  const filterFor = (state) => (RECORDING_STATES.includes(state) ? `state=${state}` : "open=true");
  return [
    countsOf(OPEN_CHUNKS, open.chunks).map(([state, value]) =>
      tile(state, value, "chunks", state === "failed" ? "attention=true" : "open=true"),
    ),
    countsOf(OPEN_RECORDINGS, open.recordings).map(([state, value]) =>
      tile(state, value, "recordings", filterFor(state)),
    ),
  ];
}

// The usual states come first, even at zero, to keep each tile in the same place. Other states follow if they occur.
const countsOf = (usual, counted) =>
  [...new Set([...usual, ...Object.keys(counted)])].map((state) => [state, counted[state] ?? 0]);

function deadline({ oldest, chunksLeftOut }) {
  const title = h("h2", { id: "oldest-title" }, "Nearest deadline");
  if (!oldest) {
    const text = chunksLeftOut
      ? "Unknown: not all open chunks were checked."
      : "None: no chunks are waiting to be archived.";
    return [title, h("p", { class: "dim" }, text)];
  }
  const address = `#/recordings/${encodeURIComponent(oldest.recordingId ?? oldest.recordingKey)}`;
  const past = oldest.secondsLeft <= 0;
  return [
    title,
    h(
      "p",
      { class: "bar" },
      h(
        "span",
        { class: `figure ${past ? "bad" : oldest.secondsLeft < 4 * 3600 ? "warn" : ""}` },
        past ? "Passed" : span(oldest.secondsLeft),
      ),
      h("span", { class: "dim" }, past ? "ACS may delete the source of" : "until ACS deletes the source of"),
      h("a", { id: "oldest", href: address }, `Chunk ${oldest.index} of ${nameOf(oldest)}`),
      badge(oldest.state),
      oldest.expected
        ? h("progress", {
            max: "100",
            value: String(Math.round((100 * (oldest.copied ?? 0)) / oldest.expected)),
            "aria-label": "Copy progress",
          })
        : null,
      oldest.reason ? h("span", { class: "dim" }, "Last error: ", h("code", {}, oldest.reason)) : null,
    ),
  ];
}

const inTrouble = (trouble, onRetry) => [
  h("h2", { id: "trouble-title" }, "Needs action"),
  recordingsTable("Recordings that need action, newest first", trouble.recordings, onRetry),
  trouble.more ? h("p", {}, h("a", { href: "#/recordings?attention=true" }, "All recordings that need action")) : null,
];
