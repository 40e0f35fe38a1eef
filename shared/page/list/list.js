// The list of recordings: saved views, filters, a table, and pages by cursor. The cursor is in the URL, so that Back
// returns to the page that was left. Only the first page refreshes automatically.

import { get } from "./api.js";
import { isWithin, utcDays } from "./days.js";
import { announce, fill, fillIfChanged, h } from "./dom.js";
import { STATES, count } from "./format.js";
import { filters, fragmentOf, savedViews } from "./filters.js";
import { recordingCount, recordingsTable } from "./listing.js";
import { loading } from "./problems.js";

const REFRESH_SECONDS = 15;
const NEVER = 24 * 3600;
const MAX_READS = 20; // a page can be empty before the end of the list: each request searches a limited number of rows
const MOST_SORTED = 500; // recordings that are read to be sorted
const ORDERS = {
  left: (one) => (one.deadline ? Date.parse(one.deadline) : Number.POSITIVE_INFINITY),
  size: (one) => -one.size,
};
const SAID = { "": "newest first", left: "least time left first", size: "largest first" };

export function list(root, { parameters, refresh: refreshNow }) {
  let cursor = parameters.get("cursor");
  let later = []; // the cursors of the pages before this one, for a search that the URL doesn't hold
  let announced = "";
  const form = filters(parameters, () => {
    cursor = null;
    later = [];
    history.replaceState(null, "", fragmentOf(form.values()));
    refreshNow();
  });
  const summary = h("p", { class: "dim", id: "found" });
  const unindexed = h("p", { id: "unindexed", class: "note calm" });
  const table = h("div", { class: "card scroll", id: "recordings" }, loading("recordings"));
  const pages = h("nav", { class: "buttons pages", "aria-label": "Pages" });
  fill(
    root,
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Recordings"),
      savedViews(parameters),
      h("span", { class: "spacer" }),
      h("button", { id: "refresh", class: "quiet", onclick: refreshNow }, "Refresh"),
    ),
    form.form,
    summary,
    unindexed,
    table,
    pages,
  );

  async function refresh(signal) {
    const values = form.values();
    const order = ORDERS[values.sort];
    const found = await (order ? readSorted(values, order, signal) : readPage(values, cursor, signal));
    const { rows, nextCursor, notIndexed } = found;
    const none = nextCursor ? "No matches so far. There are more recordings to search." : "";
    const many = order && nextCursor ? `The newest ${rows.length} recordings` : recordingCount(rows.length, nextCursor);
    summary.textContent = rows.length ? `${many}, ${SAID[values.sort]}` : none;
    const spoken = summary.textContent || NO_MATCH;
    if (announced !== spoken) announce((announced = spoken));
    fillIfChanged(unindexed, notIndexed, () => (notIndexed?.recordings ? unindexedText(notIndexed) : []));
    fillIfChanged(table, [rows, !nextCursor, values.sort, Math.floor(Date.now() / 60_000)], () =>
      rows.length
        ? recordingsTable(`Recordings, ${SAID[values.sort]}`, rows, refreshNow)
        : empty(nextCursor, Object.values(values).some(Boolean) || cursor),
    );
    fill(
      pages,
      cursor ? pageButton("newer", "Newer", newer) : null,
      nextCursor && !order ? pageButton("older", "Older", () => older(nextCursor)) : null,
    );
    return cursor || order ? NEVER : REFRESH_SECONDS;
  }

  // A search for a participant isn't in the URL, so its pages are kept in memory.
  function older(next) {
    later.push(cursor);
    cursor = next;
    const values = form.values();
    if (!values.participant) history.pushState({ newer: true }, "", fragmentOf({ ...values, cursor }));
    refreshNow();
  }
  function newer() {
    if (history.state?.newer && !form.values().participant) return history.back();
    cursor = later.pop() ?? null;
    if (!form.values().participant) history.replaceState(null, "", fragmentOf({ ...form.values(), cursor }));
    return refreshNow();
  }
  return { title: "Recordings", refresh };
}

async function readPage(values, start, signal, limit = "") {
  const { participant, sort, from, to, ...others } = values;
  const headers = participant ? { "X-Participant-Id": participant } : {};
  let cursor = start;
  let notIndexed = null;
  for (let reads = 1; ; reads += 1) {
    const parameters = { ...others, ...utcDays({ from, to }), cursor, limit };
    const { body } = await get("recordings", { parameters, headers, signal });
    const rows = body.recordings.filter((one) => isWithin(one.listedAt, { from, to }));
    notIndexed ??= body.notIndexed; // only the first page of a search for a participant has it
    if (rows.length || !body.nextCursor || reads === MAX_READS) return { rows, nextCursor: body.nextCursor, notIndexed };
    cursor = body.nextCursor;
  }
}

async function readSorted(values, order, signal) {
  let rows = [];
  let nextCursor = null;
  let notIndexed = null;
  do {
    const page = await readPage(values, nextCursor, signal, "100");
    rows = rows.concat(page.rows);
    nextCursor = page.nextCursor;
    notIndexed ??= page.notIndexed;
  } while (nextCursor && rows.length < MOST_SORTED);
  return { rows: rows.toSorted((a, b) => order(a) - order(b)), nextCursor, notIndexed };
}

// Participants are known only once a recording's metadata is archived.
function unindexedText({ recordings, byState, complete }) {
  const states = Object.entries(byState).map(([state, many]) => `${many} ${(STATES[state]?.[0] ?? state).toLowerCase()}`);
  return (
    `${count(recordings, "recording")}${complete ? "" : " or more"} can't be found by participant yet, because not all ` +
    `of their participants are known: ${states.join(", ")}.`
  );
}

const NO_MATCH = "No recordings match these filters.";
const pageButton = (id, label, act) => h("button", { id, onclick: act }, label);

function empty(more, isFiltered) {
  if (more) return h("p", { class: "empty" }, "Choose Older to search further.");
  if (isFiltered) {
    return h(
      "div",
      { class: "empty" },
      h("p", {}, NO_MATCH),
      h("p", {}, "Select a longer period, or ", h("a", { href: "#/recordings" }, "show all recordings"), "."),
    );
  }
  return h(
    "div",
    { class: "empty" },
    h("p", {}, h("strong", {}, "No recordings yet.")),
    h("p", {}, "To record a call, send ", h("code", {}, "POST /api/recordings"), " with its serverCallId, or set ", h("code", {}, "AUTO_RECORD"), "."),
    h("p", {}, "The files of a recording appear here after it has ended and Event Grid has delivered ACS's event."),
  );
}
