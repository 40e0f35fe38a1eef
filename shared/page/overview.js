// One look: whether the promise holds, what is open and how long it may be, the last day, and what needs a person.

import { get } from "./api.js";
import { badge, icon } from "./badge.js";
import { announce, fill, fillIfNew, h } from "./dom.js";
import { RECORDING_STATES, STATES, plain, span, time } from "./format.js";
import { throughput, timeToSafe } from "./lastday.js";
import { recordingsTable } from "./listing.js";
import { verdict } from "./verdict.js";

const RENEWED_AFTER = 10; // seconds
const OPEN_CHUNKS = ["pending", "copying", "failed"];
const OPEN_RECORDINGS = ["active", "paused", "stopped", "overdue"];

export function overview(root, { renew }) {
  const stand = h("section", { class: "verdict", "aria-label": "Verdict" });
  const tiles = h("section", { class: "tiles", "aria-label": "Open, by state" });
  const oldest = h("section", { class: "card", "aria-labelledby": "oldest-title" });
  const charts = [
    h("section", { class: "card", "aria-labelledby": "throughput" }),
    h("section", { class: "card", "aria-labelledby": "time-to-safe" }),
  ];
  const trouble = h("section", { class: "card scroll", "aria-labelledby": "trouble-title" });
  let told = "";
  fill(
    root,
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Overview"),
      h("span", { class: "spacer" }),
      h("button", { id: "refresh", class: "quiet", onclick: renew }, "Refresh"),
    ),
    stand,
    tiles,
    h("div", { class: "columns three" }, oldest, charts),
    trouble,
  );

  async function refresh(signal) {
    const { body } = await get("summary", { signal });
    const judged = verdict(body);
    fill(stand, banner(judged, body.at));
    stand.className = `verdict ${judged.tone}`;
    if (told && told !== judged.title) announce(judged.title);
    told = judged.title;
    fillIfNew(tiles, [{ ...body.open, oldest: null }], () => counts(body.open));
    fill(oldest, deadline(body.open));
    fillIfNew(charts[0], body.lastDay, () => throughput(body.lastDay));
    fillIfNew(charts[1], body.lastDay, () => timeToSafe(body.lastDay));
    fillIfNew(trouble, [body.trouble, Math.floor(Date.now() / 60_000)], () => inTrouble(body.trouble, renew));
    return RENEWED_AFTER;
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
  const all = open.complete && open.items === open.lookedAt + open.chunksLeftOut; // recordings
  const more = { chunks: open.chunksLeftOut > 0, recordings: !all };
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
  const narrowed = (state) => (RECORDING_STATES.includes(state) ? `state=${state}` : "open=true");
  return [
    named(OPEN_CHUNKS, open.chunks).map(([state, value]) =>
      tile(state, value, "chunks", state === "failed" ? "trouble=true" : "open=true"),
    ),
    named(OPEN_RECORDINGS, open.recordings).map(([state, value]) => tile(state, value, "recordings", narrowed(state))),
  ];
}

// The usual states, at nought too, so that the tiles stay in their places; others when there are any.
const named = (usual, counted) =>
  [...new Set([...usual, ...Object.keys(counted)])].map((state) => [state, counted[state] ?? 0]);

function deadline({ oldest, chunksLeftOut }) {
  const title = h("h2", { id: "oldest-title" }, "Nearest deadline");
  if (!oldest)
    return [
      title,
      h("p", { class: `figure ${chunksLeftOut ? "warn" : "good"}` }, chunksLeftOut ? "Unknown" : "None"),
      h("p", { class: "dim" }, chunksLeftOut ? "More is open than was looked at." : "No chunk waits to become safe."),
    ];
  const address = `#/recordings/${encodeURIComponent(oldest.recordingId ?? oldest.recordingKey)}`;
  const past = oldest.secondsLeft <= 0;
  return [
    title,
    h(
      "p",
      { class: `figure ${past ? "bad" : oldest.secondsLeft < 4 * 3600 ? "warn" : ""}` },
      past ? "passed" : span(oldest.secondsLeft),
    ),
    h("p", { class: "dim" }, "until ACS destroys the source of"),
    h("p", { class: "bar" }, h("a", { id: "oldest", href: address }, `Chunk ${oldest.index}`), badge(oldest.state)),
    oldest.reason ? h("p", { class: "dim" }, "Last reason: ", h("code", {}, oldest.reason)) : null,
    oldest.expected
      ? h("progress", {
          max: "100",
          value: String(Math.round((100 * (oldest.copied ?? 0)) / oldest.expected)),
          "aria-label": "Copied",
        })
      : null,
  ];
}

const inTrouble = (trouble, renew) => [
  h("h2", { id: "trouble-title" }, "In trouble"),
  trouble.recordings.length
    ? recordingsTable("Recordings in trouble, newest first", trouble.recordings, renew)
    : h("p", { class: "empty" }, "Nothing needs you."),
  trouble.more ? h("p", {}, h("a", { href: "#/recordings?trouble=true" }, "All recordings in trouble")) : null,
];
