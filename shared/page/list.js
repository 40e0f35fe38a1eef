// The list: filters, a table, and pages by cursor. The first page renews itself; older ones stay as they were read.

import { get } from "./api.js";
import { announce, fill, fillIfNew, h } from "./dom.js";
import { filters, fragmentOf, requestOf } from "./filters.js";
import { found, recordingsTable } from "./listing.js";

const RENEWED_AFTER = 15; // seconds
const NEVER = 24 * 3600;
const READS = 20; // a page may be empty although there is more behind it: one request looks at so many recordings

export function list(root, { parameters, renew }) {
  let cursors = [null];
  let told = "";
  const form = filters(parameters, () => {
    cursors = [null];
    history.replaceState(null, "", fragmentOf(form.given()));
    renew();
  });
  const summary = h("p", { class: "dim", id: "found" }, "Looking …");
  const table = h("div", { class: "card scroll", id: "recordings" });
  const pages = h("nav", { class: "buttons pages", "aria-label": "Pages" });
  fill(
    root,
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Recordings"),
      h("span", { class: "spacer" }),
      h("button", { class: "quiet", onclick: renew }, "Refresh"),
    ),
    form.form,
    summary,
    table,
    pages,
  );

  async function refresh(signal) {
    const asked = requestOf(form.given());
    let cursor = cursors.at(-1);
    let page;
    for (let reads = 0; reads < READS; reads += 1) {
      page = (await get("recordings", { ...asked, parameters: { ...asked.parameters, cursor }, signal })).body;
      if (page.recordings.length || !page.nextCursor) break;
      cursor = page.nextCursor;
    }
    const rows = page.recordings;
    const none = page.nextCursor ? "None so far, and there are more to look through." : "No recording fits.";
    summary.textContent = rows.length ? `${found(rows.length, page.nextCursor)}, newest first` : none;
    if (told !== summary.textContent) announce((told = summary.textContent));
    fillIfNew(table, [rows, Math.floor(Date.now() / 60_000)], () =>
      rows.length ? recordingsTable("Recordings, newest first", rows, renew) : empty(),
    );
    fill(
      pages,
      cursors.length > 1 ? turn("newer", "Newer", back) : null,
      page.nextCursor ? turn("older", "Older", () => onwards(page.nextCursor)) : null,
    );
    return cursors.length > 1 ? NEVER : RENEWED_AFTER;
  }

  const onwards = (cursor) => {
    cursors.push(cursor);
    renew();
  };
  const back = () => {
    cursors.pop();
    renew();
  };
  return { title: "Recordings", refresh };
}

const turn = (id, label, act) => h("button", { id, onclick: act }, label);
const empty = () => h("p", { class: "empty" }, "Nothing here. Widen the days, or clear the filters.");
