// The quarantine, newest first: what Callvault couldn't read or process, why, and what to do. An event can be retried.

import { get, post } from "./api.js";
import { badgeOf } from "./badge.js";
import { copyButton } from "./copy.js";
import { announce, fill, fillIfChanged, h } from "./dom.js";
import { count, moment, rowMoment, size, zone } from "./format.js";
import { loading } from "./problems.js";
import { actionButton } from "./replay.js";

const REFRESH_SECONDS = 30; // a request reads each entry that is shown
const KINDS = {
  event: { name: "Event", runbook: "event-quarantined" },
  callback: { name: "Callback", runbook: "event-quarantined" },
  job: { name: "Message", runbook: "poison-messages" },
};
const VIEWS = [
  ["All", ""],
  ["Events", "event"],
  ["Callbacks", "callback"],
  ["Messages", "job"],
];
const OUTCOMES = {
  queued: "The event's chunks are queued.",
  unchanged: "Nothing to do: the event's chunks are known already.",
  accepted: "The event is processed.",
  ignored: "The event doesn't concern Callvault.",
};

export function quarantine(root, { parameters, refresh: refreshNow }) {
  const kind = parameters.get("kind") ?? "";
  const cursor = parameters.get("cursor");
  const summary = h("p", { class: "dim", id: "found" });
  const table = h("div", { class: "card scroll", id: "quarantine" }, loading("the quarantine"));
  const pages = h("nav", { class: "buttons pages", "aria-label": "Pages" });
  let announced = "";
  fill(
    root,
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Quarantine"),
      views(kind),
      h("span", { class: "spacer" }),
      h("button", { id: "refresh", class: "quiet", onclick: refreshNow }, "Refresh"),
    ),
    summary,
    table,
    pages,
  );

  async function refresh(signal) {
    const { body } = await get("quarantine", { parameters: { kind, cursor }, signal });
    const { entries, total, notReplayed, complete, nextCursor } = body;
    const more = complete ? "" : " or more";
    summary.textContent = total ? `${count(total, "entry", "entries")}${more}, ${notReplayed}${more} not retried, newest first` : "";
    if (announced !== summary.textContent) announce((announced = summary.textContent));
    fillIfChanged(table, entries, () => (entries.length ? entriesTable(entries, refreshNow) : empty()));
    fill(
      pages,
      cursor ? h("a", { class: "button", id: "newest", href: fragmentOf({ kind }) }, "Newest") : null,
      nextCursor ? h("a", { class: "button", id: "older", href: fragmentOf({ kind, cursor: nextCursor }) }, "Older") : null,
    );
    return REFRESH_SECONDS;
  }

  return { title: "Quarantine", refresh };
}

function fragmentOf(values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
  return `#/quarantine${query ? `?${query}` : ""}`;
}

const views = (shown) =>
  h(
    "nav",
    { class: "views", "aria-label": "Kinds" },
    VIEWS.map(([name, kind]) =>
      h("a", { class: "button quiet", href: fragmentOf({ kind }), "aria-current": kind === shown ? "page" : null }, name),
    ),
  );

const empty = () =>
  h(
    "div",
    { class: "empty" },
    h("p", {}, h("strong", {}, "Nothing is in the quarantine.")),
    h("p", {}, "Events, callbacks and messages that Callvault can't read or process appear here, with the reason."),
  );

const entriesTable = (entries, then) =>
  h(
    "table",
    {},
    h("caption", { class: "unseen" }, "Entries of the quarantine, newest first"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        [`Received (${zone()})`, "Kind", "Reason", "Name", "Size", "Actions"].map((title) => h("th", { scope: "col" }, title)),
      ),
    ),
    h(
      "tbody",
      {},
      entries.map((one) => row(one, then)),
    ),
  );

const cell = (label, ...content) => h("td", { "data-label": label }, content);

function row(entry, then) {
  const kind = KINDS[entry.kind];
  return h(
    "tr",
    {},
    h("th", { scope: "row", class: "tight" }, h("time", { datetime: entry.receivedAt, title: moment(entry.receivedAt) }, rowMoment(entry.receivedAt))),
    cell("Kind", kind.name),
    cell("Reason", h("div", {}, reason(entry), about(entry))),
    h("td", { class: "file", "data-label": "Name" }, h("span", {}, h("code", {}, entry.name), " ", copyButton({ id: `copy-${entry.name}`, text: entry.name, what: `name ${entry.name}` }))),
    cell("Size", h("span", { class: "tight" }, size(entry.size))),
    cell("Actions", h("div", { class: "buttons" }, actions(entry, kind.runbook, then))),
  );
}

const reason = (entry) => h("p", {}, entry.reason ?? "The file has no reason.");

function about({ eventType, eventId, by }) {
  const parts = [eventType?.split(".").at(-1), eventId && `ID ${eventId}`, by && `submitted by ${by}`].filter(Boolean);
  return parts.length ? h("p", { class: "dim" }, parts.join(" · ")) : null;
}

// Only an event can be processed again; the runbook says what to do about the others.
function actions(entry, runbook, then) {
  return [
    entry.replayedAt
      ? badgeOf("good", `Retried ${rowMoment(entry.replayedAt)}`)
      : entry.quarantineId && retryButton(entry.quarantineId, then),
    h("a", { class: "button quiet", href: `#/runbooks/${runbook}` }, "Runbook"),
  ];
}

const retryButton = (quarantineId, then) =>
  actionButton({
    id: `retry-${quarantineId}`,
    label: "Retry",
    about: `Retry the event ${quarantineId}`,
    busy: "Retrying …",
    then,
    act: async () => {
      const [{ outcome, reason: why }] = (await post(`quarantine/${quarantineId}/replay`)).body.events;
      return OUTCOMES[outcome] ?? `The event stays in the quarantine: ${why}`;
    },
  });
