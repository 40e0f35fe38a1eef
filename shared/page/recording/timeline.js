// The timeline of a recording: chunks, gaps between them, pauses, and the participant on each channel. The times come
// from archived metadata. A chunk without archived metadata appears as a gap. If no times are known, all chunks have
// the same width, and a note says so.

import { channels, gapsOf, intervalsOf, mediaTime, momentOf } from "./intervals.js";
import { h } from "./dom.js";
import { STATES, count, hasMedia, shortTime, span, tail, zone } from "./format.js";

const TICKS = 5;

export function timeline(view, times, play) {
  const chunks = new Map(view.chunks.map((one) => [one.documentId, one]));
  const pieces = intervalsOf(times).filter((one) => chunks.has(one.documentId));
  if (!view.chunks.length)
    return { element: h("p", { class: "dim" }, "ACS hasn't reported any chunks yet."), follow: () => {} };
  if (!pieces.length) return { element: inOrder(view, play), follow: () => {} };
  const missing = view.chunks.filter((one) => pieces.every((piece) => piece.documentId !== one.documentId));
  const gaps = gapsOf(pieces, view, missing);
  const from = Math.min(...[...pieces, ...gaps].map((one) => one.from));
  const to = Math.max(...[...pieces, ...gaps].map((one) => one.to));
  const scale = { from, to, at: (moment) => `${((moment - from) / Math.max(1, to - from)) * 100}%` };
  const pauses = pieces.flatMap((one) => one.pauses);
  const head = h("div", { class: "playhead", hidden: true });
  const element = h(
    "div",
    { class: "timeline" },
    h(
      "div",
      { class: "lanes" },
      lane("Chunks", [
        pieces.map((one) => block(one, chunks.get(one.documentId), scale, play)),
        gaps.map((gap) => stretch("gap", gap, scale, `Gap of ${span((gap.to - gap.from) / 1000)}`)),
        pauseMarks(pauses, scale),
      ]),
      channels(pieces).map(([name, who, spans]) =>
        lane(name, [spans.map((one) => stretch("voice", one, scale, who)), pauseMarks(pauses, scale)], who),
      ),
      h("div", { class: "over" }, head),
    ),
    h("div", { class: "axis", "aria-hidden": "true" }, ticks(scale)),
    h("p", { class: "legend dim" }, legend({ pieces, gaps, pauses, from, to, missing, playable: view.chunks.some(hasMedia) })),
  );
  return { element, follow: (documentId, seconds) => follow(head, scale, pieces, documentId, seconds) };
}

const position = (one, scale) => ({
  left: scale.at(one.from),
  width: `calc(${scale.at(one.to)} - ${scale.at(one.from)})`,
});
const stretch = (kind, one, scale, title) => h("span", { class: kind, title, style: position(one, scale) });

const pauseMarks = (pauses, scale) =>
  pauses.map((one) => stretch("pause", one, scale, `Pause of ${span((one.to - one.from) / 1000)}`));

const lane = (name, blocks, who) =>
  h(
    "div",
    { class: "lane" },
    h(
      "span",
      { class: "name", title: who ?? name },
      name,
      who ? h("span", { class: "dim" }, ` ${tail(who, 14)}`) : null,
    ),
    h("div", { class: "track" }, blocks),
  );

function block(one, chunk, scale, play) {
  const { state } = chunk;
  const playable = hasMedia(chunk);
  const tone = (STATES[state] ?? ["", "calm"])[1];
  const length = span((one.to - one.from) / 1000);
  const from = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = event.detail ? (event.clientX - box.left) / box.width : 0; // a key press plays from the start
    play(one.documentId, mediaTime(one, one.from + share * (one.to - one.from)));
  };
  return h(
    "button",
    {
      class: `chunk ${tone}`,
      disabled: !playable,
      style: position(one, scale),
      onclick: from,
      title: `Chunk ${one.index}: ${shortTime(one.from)}, ${length}`,
      "aria-label": `${playable ? "Play chunk" : "Chunk"} ${one.index}, ${length}, ${state}`,
    },
    h("span", {}, `${one.index}`),
  );
}

function follow(head, scale, pieces, documentId, seconds) {
  const piece = pieces.find((one) => one.documentId === documentId);
  if (!piece) return;
  head.hidden = false;
  head.style.left = scale.at(Math.min(piece.to, momentOf(piece, seconds)));
}

const ticks = (scale) =>
  Array.from({ length: TICKS }, (_, n) => scale.from + ((scale.to - scale.from) * n) / (TICKS - 1)).map((moment) =>
    h(
      "span",
      { style: { left: scale.at(moment) } },
      new Date(moment).toLocaleTimeString(undefined, { timeStyle: "medium" }),
    ),
  );

function legend({ pieces, gaps, pauses, from, to, missing, playable }) {
  const all = pieces.length + missing.length;
  const parts = [
    `${count(pieces.length, "chunk")} ${missing.length ? `of ${all} ` : ""}over ${span((to - from) / 1000)}`,
    pauses.length ? count(pauses.length, "pause") : "no pauses",
    gaps.length ? count(gaps.length, "gap") : "no gaps",
    ...missing.map((one) => `chunk ${one.index} ${one.state === "failed" ? "failed" : `is ${one.state}`}`),
  ];
  return `${parts.join(", ")}. Times in ${zone()}.${playable ? " Select a point in a chunk to play from there." : ""}`;
}

const inOrder = (view, play) =>
  h(
    "div",
    { class: "timeline" },
    h(
      "div",
      { class: "lane" },
      h("span", { class: "name" }, "Chunks"),
      h(
        "div",
        { class: "track even" },
        view.chunks.map((one) =>
          h(
            "button",
            {
              class: `chunk ${(STATES[one.state] ?? ["", "calm"])[1]}`,
              disabled: !hasMedia(one),
              onclick: () => play(one.documentId, 0),
              title: `Chunk ${one.index}: ${one.state}`,
              "aria-label": `${hasMedia(one) ? "Play chunk" : "Chunk"} ${one.index}, ${one.state}`,
            },
            h("span", {}, `${one.index}`),
          ),
        ),
      ),
    ),
    h(
      "p",
      { class: "legend dim" },
      "Not to scale: times, pauses and participants are unknown until the chunks' metadata is archived.",
    ),
  );
