// A recording drawn over time: chunks with their borders, gaps between them, pauses, and who is on which channel.
// A chunk whose times aren't known, since its metadata aren't archived, is drawn into the gap that it leaves; where none
// are known, chunks stand in their order and equally wide, and it is said so.

import { h } from "./dom.js";
import { STATES, count, shortTime, span, tail } from "./format.js";

const A_GAP = 1; // seconds that nothing covers and no pause explains
const TICKS = 5;

export function timeline(view, course, play) {
  const pieces = timed(course);
  if (!view.chunks.length) return { element: h("p", { class: "dim" }, "Nothing has been announced yet."), follow: () => {} };
  if (!pieces.length) return { element: inOrder(view, play), follow: () => {} };
  const missing = view.chunks.filter((one) => pieces.every((piece) => piece.documentId !== one.documentId));
  const gaps = gapsOf(pieces, view, missing);
  const from = Math.min(...[...pieces, ...gaps].map((one) => one.from));
  const to = Math.max(...[...pieces, ...gaps].map((one) => one.to));
  const scale = { from, to, at: (moment) => `${((moment - from) / Math.max(1, to - from)) * 100}%` };
  const pauses = pieces.flatMap((one) => one.pauses);
  const head = h("div", { class: "playhead", hidden: true });
  const chunks = new Map(view.chunks.map((one) => [one.documentId, one]));
  const element = h("div", { class: "timeline" },
    h("div", { class: "lanes" },
      lane("Chunks", [
        pieces.map((one) => block(one, chunks.get(one.documentId), scale, play)),
        gaps.map((gap) => stretch("gap", gap, scale, `Gap of ${span((gap.to - gap.from) / 1000)}`)),
        quiet(pauses, scale),
      ]),
      channels(pieces).map(([name, who, spans]) =>
        lane(name, [spans.map((one) => stretch("voice", one, scale, who)), quiet(pauses, scale)], who)),
      h("div", { class: "over" }, head)),
    h("div", { class: "axis", "aria-hidden": "true" }, ticks(scale)),
    h("p", { class: "legend dim" }, words(pieces, gaps, pauses, from, to, missing)));
  return { element, follow: (documentId, seconds) => follow(head, scale, pieces, documentId, seconds) };
}

// Wall-clock stretches: a file's length leaves pauses out, so they are added again.
const timed = (course) =>
  course.filter((one) => one.startedAt && one.durationMs !== null).map((one) => {
    const from = Date.parse(one.startedAt);
    const pauses = (one.pauses ?? []).map((pause) => ({ from: Date.parse(pause.startedAt), to: Date.parse(pause.startedAt) + pause.durationMs }));
    const paused = pauses.reduce((sum, pause) => sum + pause.to - pause.from, 0);
    return { documentId: one.documentId, index: one.index, from, to: from + one.durationMs + paused, pauses, participants: one.participants ?? [] };
  }).toSorted((a, b) => a.from - b.from);

// Between two chunks, and before the first and after the last as far as the recording is known to reach.
function gapsOf(pieces, view, missing) {
  const began = Date.parse(view.startedAt ?? "");
  const ended = began + (view.durationMs ?? NaN);
  const gaps = [];
  let until = Math.min(pieces[0].from, missing.length && began ? began : Infinity);
  for (const one of pieces) {
    if (one.from - until > A_GAP * 1000) gaps.push({ from: until, to: one.from });
    until = Math.max(until, one.to);
  }
  if (missing.length && ended - until > A_GAP * 1000) gaps.push({ from: until, to: ended });
  return gaps;
}

function channels(pieces) {
  const found = new Map();
  for (const piece of pieces) {
    for (const { participantId, channel } of piece.participants) {
      if (channel === null) continue;
      const key = `${channel} ${participantId}`;
      if (!found.has(key)) found.set(key, [`Channel ${channel}`, participantId, []]);
      found.get(key)[2].push(piece);
    }
  }
  return [...found.entries()].toSorted(([a], [b]) => a.localeCompare(b, undefined, { numeric: true })).map(([, lane]) => lane);
}

const place = (one, scale) => ({ left: scale.at(one.from), width: `calc(${scale.at(one.to)} - ${scale.at(one.from)})` });
const stretch = (kind, one, scale, title) => h("span", { class: kind, title, style: place(one, scale) });

const quiet = (pauses, scale) => pauses.map((one) => stretch("pause", one, scale, `Pause of ${span((one.to - one.from) / 1000)}`));

const lane = (name, blocks, who) =>
  h("div", { class: "lane" },
    h("span", { class: "name", title: who ?? name }, name, who ? h("span", { class: "dim" }, ` ${tail(who, 14)}`) : null),
    h("div", { class: "track" }, blocks));

function block(one, { state, blobName }, scale, play) {
  const tone = (STATES[state] ?? ["", "calm"])[1];
  const length = span((one.to - one.from) / 1000);
  const from = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = event.detail ? (event.clientX - box.left) / box.width : 0; // a key press plays from its beginning
    play(one.documentId, mediaTime(one, one.from + share * (one.to - one.from)));
  };
  return h("button", { class: `chunk ${tone}`, disabled: !blobName, style: place(one, scale), onclick: from, title: `Chunk ${one.index}: ${shortTime(one.from)}, ${length}`, "aria-label": `${blobName ? "Play chunk" : "Chunk"} ${one.index}, ${length}, ${state}` },
    h("span", {}, `${one.index}`));
}

// Seconds of the file at a moment, and the moment at seconds of the file.
function mediaTime(one, moment) {
  const before = one.pauses.reduce((sum, pause) => sum + Math.max(0, Math.min(moment, pause.to) - pause.from), 0);
  return Math.max(0, (moment - one.from - before) / 1000);
}

function momentOf(one, seconds) {
  let moment = one.from + seconds * 1000;
  for (const pause of one.pauses.toSorted((a, b) => a.from - b.from)) if (pause.from < moment) moment += pause.to - pause.from;
  return moment;
}

function follow(head, scale, pieces, documentId, seconds) {
  const piece = pieces.find((one) => one.documentId === documentId);
  if (!piece) return;
  head.hidden = false;
  head.style.left = scale.at(Math.min(piece.to, momentOf(piece, seconds)));
}

const ticks = (scale) =>
  Array.from({ length: TICKS }, (_, n) => scale.from + ((scale.to - scale.from) * n) / (TICKS - 1))
    .map((moment) => h("span", { style: { left: scale.at(moment) } }, new Date(moment).toLocaleTimeString(undefined, { timeStyle: "medium" })));

const words = (pieces, gaps, pauses, from, to, missing) =>
  `${count(pieces.length, "chunk")} ${missing.length ? `of ${pieces.length + missing.length} ` : ""}over ${span((to - from) / 1000)}, ${pauses.length ? count(pauses.length, "pause") : "no pause"}` +
  `, ${gaps.length ? count(gaps.length, "gap") : "no gap"}` +
  `${missing.map((one) => `, chunk ${one.index} ${one.state === "failed" ? "failed" : `is ${one.state}`}`).join("")}. Press a chunk to play it from there.`;

const inOrder = (view, play) =>
  h("div", { class: "timeline" },
    h("div", { class: "lane" }, h("span", { class: "name" }, "Chunks"),
      h("div", { class: "track even" }, view.chunks.map((one) =>
        h("button", { class: `chunk ${(STATES[one.state] ?? ["", "calm"])[1]}`, disabled: !one.blobName, onclick: () => play(one.documentId, 0), title: `Chunk ${one.index}: ${one.state}`, "aria-label": `Play chunk ${one.index}, ${one.state}` },
          h("span", {}, `${one.index}`))))),
    h("p", { class: "legend dim" }, "In their order and not to scale: times, pauses and participants are known when a file's metadata are in the archive."));
