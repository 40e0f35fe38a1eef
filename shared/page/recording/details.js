// The details of a recording, and the history of actions on it.

import { h } from "./dom.js";
import { moment, span } from "./format.js";
import { copyButton } from "./copy.js";
import { kindOf } from "./listing.js";

export function details(view, timeline) {
  const people = participants(timeline);
  const rows = [
    ["Kind", kindOf(view)],
    ["Labels", Object.entries(view.labels ?? {}).map(([name, value]) => `${name}: ${value}`).join(", ")],
    ["Started", moment(view.startedAt ?? view.requestedAt)],
    ["Stopped", view.stoppedAt && moment(view.stoppedAt)],
    ["Length", view.durationMs !== null && span(view.durationMs / 1000)],
    ["Ended by", view.sessionEndReason],
    ["State in ACS", view.acsState !== "unknown" && view.acsState],
    [
      "Participants",
      people.length &&
        h(
          "ul",
          { class: "bare" },
          people.map((one) => h("li", {}, h("code", {}, one))),
        ),
    ],
    ["Recording ID", identifier("recording ID", view.recordingId)],
    ["Recording key", identifier("recording key", view.recordingKey)],
    ["Server call ID", identifier("server call ID", view.serverCallId)],
    ["Call connection ID", identifier("call connection ID", view.callConnectionId)],
    ["Group call ID", identifier("group call ID", view.groupCallId)],
    ["Room ID", identifier("room ID", view.roomId)],
    ["Container", h("code", {}, view.archiveContainer)],
    ["Folder", identifier("folder", folder(view))],
  ];
  return h(
    "dl",
    {},
    rows.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

// The legal basis of the recording, as its caller stated it.
export const consent = (given) =>
  given
    ? h(
        "dl",
        {},
        [
          ["Basis", given.basis],
          ["Reference", given.reference],
          ["Obtained", moment(given.obtainedAt)],
        ].map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
      )
    : h("p", { class: "dim" }, "The start of this recording stated no consent.");

const identifier = (what, text) =>
  text && [h("code", {}, text), " ", copyButton({ id: `copy-${what.replaceAll(" ", "-")}`, text, what })];

const participants = (timeline) => [
  ...new Set(timeline.flatMap((one) => one.participants ?? []).map((one) => one.participantId)),
];

const folder = (view) =>
  view.chunks
    .map((one) => one.blobName)
    .find(Boolean)
    ?.replace(/\/[^/]*$/, "");

export const history = (entries) =>
  entries.length
    ? h(
        "ol",
        { class: "history" },
        entries
          .toReversed()
          .map((entry) =>
            h(
              "li",
              {},
              h("span", {}, h("strong", {}, entry.action), ` by ${entry.by}`),
              entry.details.note ? h("span", {}, `${entry.details.name}: ${entry.details.note}`) : null,
              h("time", { class: "dim", datetime: entry.at }, moment(entry.at)),
            ),
          ),
      )
    : h("p", { class: "dim" }, "No entries.");
