// A recording: its time line, its player, its chunks while they are copied, its facts and its history.

import { NeedsKey, get, pathOf } from "./api.js";
import { badge } from "./badge.js";
import { chunksTable } from "./chunks.js";
import { announce, fill, fillIfNew, h } from "./dom.js";
import { REPLAYABLE, STATES, moment, short } from "./format.js";
import { facts, history } from "./particulars.js";
import { player } from "./player.js";
import { replayButton } from "./replay.js";
import { timeline } from "./timeline.js";

const WHILE_COPYING = 1.5; // seconds
const WHILE_OPEN = 5;
const AT_REST = 30;
const MOVING = new Set(["pending", "copying"]);
const RUNNING = new Set(["starting", "active", "paused", "stopped", "archiving"]);
const BAD = new Set(["failed", "lost", "removed"]);

export function recording(root, { argument, renew }) {
  const shown = { title: "Recording", refresh };
  const head = h("div", { class: "bar" }, h("h1", {}, "Recording"));
  const trouble = h("div", {});
  const line = h("section", { class: "card", "aria-labelledby": "line-title" });
  const chunks = h("section", { class: "card", "aria-labelledby": "chunks-title" });
  const particulars = h("section", { class: "card", "aria-labelledby": "facts-title" });
  const past = h("section", { class: "card", "aria-labelledby": "history-title" });
  const play = player(argument, { moved: (documentId, seconds) => line.follow?.(documentId, seconds) });
  fill(
    root,
    h("nav", { class: "crumbs", "aria-label": "Breadcrumb" }, h("a", { href: "#/recordings" }, "Recordings")),
    head,
    trouble,
    line,
    play.element,
    chunks,
    h("div", { class: "columns" }, particulars, past),
  );
  let course = [];
  let known = 0;
  let states = {};

  async function refresh(signal) {
    const { body: view } = await get(pathOf(argument), { signal });
    course = await courseOf(view, signal);
    shown.title = view.correlation || "Recording";
    document.title = `${shown.title} · Callvault`;
    fillIfNew(head, [view.correlation, view.state, view.chunks.some((one) => REPLAYABLE.has(one.state))], () => title(view));
    fillIfNew(trouble, troubles(view), () => troubles(view).map((item) => note(item)));
    const drawnOf = view.chunks.map((one) => [one.documentId, one.state, one.blobName, one.missing]);
    fillIfNew(line, [course, drawnOf], () => {
      const drawn = timeline(view, course, (documentId, seconds) => play.play(chunkOf(view, documentId), seconds));
      line.follow = drawn.follow;
      return [h("h2", { id: "line-title" }, "Time line"), drawn.element];
    });
    fillIfNew(chunks, [view.chunks, minute()], () => [
      h("h2", { id: "chunks-title" }, "Chunks"),
      view.chunks.length
        ? chunksTable(argument, view.chunks, { play: play.play, then: renew })
        : h("p", { class: "dim" }, "None yet: they are announced when the recording has ended."),
    ]);
    fillIfNew(particulars, [view, course], () => [h("h2", { id: "facts-title" }, "Particulars"), facts(view, course)]);
    fillIfNew(past, view.history, () => [h("h2", { id: "history-title" }, "History"), history(view.history)]);
    tellChanges(view.chunks);
    return pace(view);
  }

  // Read anew when another chunk's metadata are archived, for that is when there is more to know.
  async function courseOf(view, signal) {
    const told = view.chunks.filter((one) => one.metadataBlobName).length;
    if (told === known) return course;
    try {
      const { body } = await get(`${pathOf(argument)}/timeline`, { signal });
      known = told;
      return body.chunks;
    } catch (error) {
      if (error instanceof NeedsKey || signal.aborted) throw error;
      return course; // the view has what there is without it
    }
  }

  function title(view) {
    const failed = view.chunks.filter((one) => REPLAYABLE.has(one.state)).length;
    return [
      h("h1", {}, view.correlation || `Recording ${short(argument, 10)}`),
      badge(view.state),
      h("span", { class: "spacer" }),
      failed ? replayButton({ recording: argument, about: "what failed of this recording", then: renew }) : null,
      h("button", { id: "refresh", class: "quiet", onclick: renew }, "Refresh"),
    ];
  }

  function tellChanges(now) {
    const changed = now.filter((one) => states[one.documentId] && states[one.documentId] !== one.state);
    if (changed.length) {
      announce(changed.map((one) => `Chunk ${one.index}: ${(STATES[one.state] ?? [one.state])[0]}`).join(", "));
    }
    states = Object.fromEntries(now.map((one) => [one.documentId, one.state]));
  }

  return shown;
}

const minute = () => Math.floor(Date.now() / 60_000);
const chunkOf = (view, documentId) => view.chunks.find((one) => one.documentId === documentId);

function pace(view) {
  if (view.chunks.some((one) => MOVING.has(one.state))) return WHILE_COPYING;
  return RUNNING.has(view.state) || view.chunks.some((one) => one.state === "archived") ? WHILE_OPEN : AT_REST;
}

const TITLES = { failed: "failed", lost: "is lost", removed: "was removed from the archive" };

function troubles(view) {
  const bad = view.chunks
    .filter((one) => BAD.has(one.state))
    .map((one) => ({
      title: `Chunk ${one.index} ${TITLES[one.state]}`,
      reason: one.reason,
      detail: one.detail,
      since: one.removedAt ?? one.lostAt ?? one.failedAt,
      next:
        one.state === "failed"
          ? `Its source is kept until ${moment(one.deadline)}. Mend the reason, then replay it.`
          : "",
    }));
  const own = [
    view.overdueAt &&
      !view.chunks.length && {
        title: "Its files are missing",
        reason: "files-overdue",
        since: view.overdueAt,
        detail: "The recording ended, and ACS has not announced its files.",
        next: "Look for its event in Event Grid's metrics, the dead letters and the quarantine.",
      },
    view.failure && {
      title: "ACS could not start it",
      reason: "",
      detail: view.failure,
      since: view.failedAt,
      next: "",
    },
  ];
  return [...bad, ...own.filter(Boolean)];
}

const note = (item) =>
  h(
    "div",
    { class: "note bad" },
    h(
      "p",
      {},
      h("strong", {}, item.title),
      item.reason ? [" · ", h("code", {}, item.reason)] : "",
      item.since ? h("span", { class: "dim" }, ` · since ${moment(item.since)}`) : "",
    ),
    item.detail ? h("p", {}, item.detail) : null,
    item.next ? h("p", { class: "dim" }, item.next) : null,
  );
