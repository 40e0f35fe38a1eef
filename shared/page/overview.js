// The overview: overall status, open chunks and recordings, the nearest deadline, the last 24 hours, and recordings
// that need action.

import { get } from "./api.js";
import { badge, icon } from "./badge.js";
import { announce, fill, fillIfChanged, h } from "./dom.js";
import { RECORDING_STATES, STATES, plain, span, time } from "./format.js";
import { throughput, timeToSafe } from "./lastday.js";
import { recordingsTable } from "./listing.js";
import { verdict } from "./verdict.js";

const REFRESH_SECONDS = 10;
const OPEN_CHUNKS = ["pending", "copying", "failed"];
const OPEN_RECORDINGS = ["active", "paused", "stopped", "overdue"];

export function overview(root, { refresh: refreshNow }) {
  const status = h("section", { class: "verdict", "aria-label": "Status" });
  const tiles = h("section", { class: "tiles", "aria-label": "Open items by state" });
  const oldest = h("section", { class: "card", "aria-labelledby": "oldest-title" });
  const charts = [
    h("section", { class: "card", "aria-labelledby": "throughput" }),
    h("section", { class: "card", "aria-labelledby": "time-to-safe" }),
  ];
  const trouble = h("section", { class: "card scroll", "aria-labelledby": "trouble-title" });
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
    tiles,
    h("div", { class: "columns three" }, oldest, charts),
    trouble,
  );

  async function refresh(signal) {
    const { body } = await get("summary", { signal });
    const current = verdict(body);
    fill(status, banner(current, body.at));
    status.className = `verdict ${current.tone}`;
    if (lastTitle && lastTitle !== current.title) announce(current.title);
    lastTitle = current.title;
    fillIfChanged(tiles, [{ ...body.open, oldest: null }], () => counts(body.open));
    fill(oldest, deadline(body.open));
    fillIfChanged(charts[0], body.lastDay, () => throughput(body.lastDay));
    fillIfChanged(charts[1], body.lastDay, () => timeToSafe(body.lastDay));
    fillIfChanged(trouble, [body.trouble, Math.floor(Date.now() / 60_000)], () => inTrouble(body.trouble, refreshNow));
    return REFRESH_SECONDS;
  }

  return { title: "Overview", refresh };
}

const banner = ({ tone, title, detail }, at) => [
  h("span", { class: "seal" }, icon(tone)),
  h("div", {}, h("p", { class: "title" }, title), h("p", {}, detail)),
  h("span", { class: "spacer" }),
  h("p", { class: "dim" }, `as of ${time(at)}`),
];

function counts(open) {
  const hasAllRecordings = open.complete && open.items === open.examined + open.chunksLeftOut;
  const more = { chunks: open.chunksLeftOut > 0, recordings: !hasAllRecordings };
  const tile = (state, value, what, query) => {
    const [label, tone] = STATES[state] ?? [state, "calm"];
    return h(
      "a",
      { id: `tile-${what}-${state}`, class: `tile ${value ? tone : ""}`, href: `#/recordings?${query}` },
      h("span", { class: "figure" }, plain(value) + (more[what] ? "+" : "")),
      h("span", {}, label),
      h("span", { class: "dim" }, what),
    );
  };
  const filterFor = (state) => (RECORDING_STATES.includes(state) ? `state=${state}` : "open=true");
  return [
    countsOf(OPEN_CHUNKS, open.chunks).map(([state, value]) =>
      tile(state, value, "chunks", state === "failed" ? "trouble=true" : "open=true"),
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
  if (!oldest)
    return [
      title,
      h("p", { class: `figure ${chunksLeftOut ? "warn" : "good"}` }, chunksLeftOut ? "Unknown" : "None"),
      h(
        "p",
        { class: "dim" },
        chunksLeftOut ? "Not all open chunks were checked." : "No chunks are waiting to be archived.",
      ),
    ];
  const address = `#/recordings/${encodeURIComponent(oldest.recordingId ?? oldest.recordingKey)}`;
  const past = oldest.secondsLeft <= 0;
  return [
    title,
    h(
      "p",
      { class: `figure ${past ? "bad" : oldest.secondsLeft < 4 * 3600 ? "warn" : ""}` },
      past ? "Passed" : span(oldest.secondsLeft),
    ),
    h("p", { class: "dim" }, past ? "ACS may delete the source of" : "until ACS deletes the source of"),
    h("p", { class: "bar" }, h("a", { id: "oldest", href: address }, `Chunk ${oldest.index}`), badge(oldest.state)),
    oldest.reason ? h("p", { class: "dim" }, "Last error: ", h("code", {}, oldest.reason)) : null,
    oldest.expected
      ? h("progress", {
          max: "100",
          value: String(Math.round((100 * (oldest.copied ?? 0)) / oldest.expected)),
          "aria-label": "Copy progress",
        })
      : null,
  ];
}

const inTrouble = (trouble, onRetry) => [
  h("h2", { id: "trouble-title" }, "In trouble"),
  trouble.recordings.length
    ? recordingsTable("Recordings in trouble, newest first", trouble.recordings, onRetry)
    : h("p", { class: "empty" }, "No recordings need action."),
  trouble.more ? h("p", {}, h("a", { href: "#/recordings?trouble=true" }, "All recordings in trouble")) : null,
];
