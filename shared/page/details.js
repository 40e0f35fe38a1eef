// The details of a recording, and the history of actions on it.

import { h } from "./dom.js";
import { moment, span } from "./format.js";
import { kindOf } from "./listing.js";

export function details(view, timeline) {
  const people = participants(timeline);
  const rows = [
    ["Kind", kindOf(view)],
    ["Started", moment(view.startedAt ?? view.requestedAt)],
    ["Stopped", view.stoppedAt && moment(view.stoppedAt)],
    ["Length", view.durationMs !== null && span(view.durationMs / 1000)],
    ["Ended by", view.sessionEndReason],
    ["State in ACS", view.acsState],
    [
      "Participants",
      people.length &&
        h(
          "ul",
          { class: "bare" },
          people.map((one) => h("li", {}, h("code", {}, one))),
        ),
    ],
    ["Recording ID", view.recordingId && h("code", {}, view.recordingId)],
    ["Server call ID", view.serverCallId && h("code", {}, view.serverCallId)],
    ["Call connection ID", view.callConnectionId && h("code", {}, view.callConnectionId)],
    ["Group call ID", view.groupCallId && h("code", {}, view.groupCallId)],
    ["Room ID", view.roomId && h("code", {}, view.roomId)],
    ["Container", h("code", {}, view.archiveContainer)],
    ["Folder", folder(view) && h("code", {}, folder(view))],
  ];
  return h(
    "dl",
    {},
    rows.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

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
