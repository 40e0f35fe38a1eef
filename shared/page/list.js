// The list of recordings: filters, a table, and pages by cursor. Only the first page refreshes automatically.

import { get } from "./api.js";
import { announce, fill, fillIfChanged, h } from "./dom.js";
import { filters, fragmentOf, requestOf } from "./filters.js";
import { recordingCount, recordingsTable } from "./listing.js";

const REFRESH_SECONDS = 15;
const NEVER = 24 * 3600;
const MAX_READS = 20; // a page can be empty before the end of the list: each request searches a limited number of rows

export function list(root, { parameters, refresh: refreshNow }) {
  let cursors = [null];
  let announced = "";
  const form = filters(parameters, () => {
    cursors = [null];
    history.replaceState(null, "", fragmentOf(form.values()));
    refreshNow();
  });
  const summary = h("p", { class: "dim", id: "found" }, "Loading …");
  const table = h("div", { class: "card scroll", id: "recordings" });
  const pages = h("nav", { class: "buttons pages", "aria-label": "Pages" });
  fill(
    root,
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Recordings"),
      h("span", { class: "spacer" }),
      h("button", { class: "quiet", onclick: refreshNow }, "Refresh"),
    ),
    form.form,
    summary,
    table,
    pages,
  );

  async function refresh(signal) {
    const request = requestOf(form.values());
    let cursor = cursors.at(-1);
    let page;
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      page = (await get("recordings", { ...request, parameters: { ...request.parameters, cursor }, signal })).body;
      if (page.recordings.length || !page.nextCursor) break;
      cursor = page.nextCursor;
    }
    const rows = page.recordings;
    const none = page.nextCursor ? "No matches so far. There are more recordings to search." : "No recordings match.";
    summary.textContent = rows.length ? `${recordingCount(rows.length, page.nextCursor)}, newest first` : none;
    if (announced !== summary.textContent) announce((announced = summary.textContent));
    fillIfChanged(table, [rows, !page.nextCursor, Math.floor(Date.now() / 60_000)], () =>
      rows.length ? recordingsTable("Recordings, newest first", rows, refreshNow) : empty(page.nextCursor),
    );
    fill(
      pages,
      cursors.length > 1 ? pageButton("newer", "Newer", back) : null,
      page.nextCursor ? pageButton("older", "Older", () => forward(page.nextCursor)) : null,
    );
    return cursors.length > 1 ? NEVER : REFRESH_SECONDS;
  }

  const forward = (cursor) => {
    cursors.push(cursor);
    refreshNow();
  };
  const back = () => {
    cursors.pop();
    refreshNow();
  };
  return { title: "Recordings", refresh };
}

const pageButton = (id, label, act) => h("button", { id, onclick: act }, label);
const empty = (more) =>
  h(
    "p",
    { class: "empty" },
    more ? "Choose Older to search further." : "No recordings. Select a longer period, or clear the filters.",
  );
