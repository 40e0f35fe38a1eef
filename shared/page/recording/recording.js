// A recording: timeline, player, chunks with their progress, details and history.

import { NeedsKey, get, pathOf } from "./api.js";
import { badge } from "./badge.js";
import { chunksTable } from "./chunks.js";
import { announce, fill, fillIfChanged, h } from "./dom.js";
import { MISSING, REPLAYABLE, SAFE, STATES, isAcknowledged, moment, sentence } from "./format.js";
import { consent, details, history } from "./details.js";
import { nameOf, titleOf } from "./names.js";
import { player } from "./player.js";
import { loading } from "./problems.js";
import { replayButton } from "./replay.js";
import { channelNumbers, gapBetween, inOrder } from "./intervals.js";
import { timeline } from "./timeline.js";

// Seconds between two refreshes.
const WHILE_COPYING = 1.5;
const WHILE_OPEN = 5;
const WHEN_ENDED = 30;
const IN_PROGRESS = new Set(["pending", "copying"]);
const RUNNING = new Set(["starting", "active", "paused", "stopped", "archiving"]);
const BAD = new Set(["failed", "lost", "removed"]);

export function recording(root, { argument, refresh: refreshNow }) {
  const shown = { title: "Recording", refresh, press: (key) => play.press(key) };
  const head = h("div", { class: "bar" }, h("h1", {}, "Recording"), loading());
  const trouble = h("div", {});
  const timelineCard = h("section", { class: "card", "aria-labelledby": "timeline-title" });
  const chunks = h("section", { class: "card", "aria-labelledby": "chunks-title" });
  const detailsCard = h("section", { class: "card", "aria-labelledby": "details-title" });
  const consentCard = h("section", { class: "card", "aria-labelledby": "consent-title" });
  const historyCard = h("section", { class: "card", "aria-labelledby": "history-title" });
  const play = player(argument, {
    onTime: (documentId, seconds) => timelineCard.follow?.(documentId, seconds),
    chunksOf: () => inOrder(latest, times),
    channelsOf: (chunk) => channelNumbers(times, chunk.documentId),
    gapOf: (chunk, next) => gapBetween(times, chunk.documentId, next.documentId),
  });
  fill(
    root,
    h("nav", { class: "crumbs", "aria-label": "Breadcrumb" }, h("a", { href: "#/recordings" }, "Recordings")),
    head,
    trouble,
    timelineCard,
    play.element,
    chunks,
    h("div", { class: "columns" }, detailsCard, h("div", { class: "stack" }, consentCard, historyCard)),
  );
  let latest = []; // the chunks, as they were last read
  let times = []; // of the chunks, from the timeline route
  let metadataCount = 0;
  let states = {};

  async function refresh(signal) {
    let { body: view } = await get(pathOf(argument), { signal });
    times = await timesOf(view, signal);
    const found = new Map(times.map((one) => [one.documentId, one.state]));
    // The timeline checks the files in the archive, so it may have found that some are missing.
    if (view.chunks.some((one) => isSafe(one) && MISSING.has(found.get(one.documentId)))) {
      view = (await get(pathOf(argument), { signal })).body;
    }
    latest = view.chunks;
    const people = new Set(times.flatMap((one) => one.participants ?? []).map((one) => one.participantId)).size;
    shown.title = nameOf(view, people);
    document.title = titleOf(shown.title);
    const canRetry = view.chunks.some((one) => REPLAYABLE.has(one.state));
    fillIfChanged(head, [shown.title, view.state, canRetry], () => title(view));
    fillIfChanged(trouble, troubles(view), () => troubles(view).map((item) => note(item)));
    const drawnFrom = view.chunks.map((one) => [one.documentId, one.state, one.blobName, one.missing]);
    fillIfChanged(timelineCard, [times, drawnFrom], () => {
      const drawn = timeline(view, times, (documentId, seconds) => play.play(chunkOf(view, documentId), seconds));
      timelineCard.follow = drawn.follow;
      return [h("h2", { id: "timeline-title" }, "Timeline"), drawn.element];
    });
    fillIfChanged(chunks, [view.chunks, minute()], () => [
      h("h2", { id: "chunks-title" }, "Chunks"),
      view.chunks.length
        ? chunksTable(argument, view.chunks, { play: play.play, then: refreshNow })
        : h("p", { class: "dim" }, "None yet. ACS reports chunks after the recording has ended."),
    ]);
    fillIfChanged(detailsCard, [view, times], () => [
      h("h2", { id: "details-title" }, "Details"),
      details(view, times),
    ]);
    fillIfChanged(consentCard, [view.consent], () => [
      h("h2", { id: "consent-title" }, "Consent"),
      consent(view.consent),
    ]);
    fillIfChanged(historyCard, view.history, () => [
      h("h2", { id: "history-title" }, "History"),
      history(view.history),
    ]);
    announceChanges(view.chunks);
    return refreshSeconds(view);
  }

  // Reads the timeline again only after another chunk's metadata was archived: the times come from the metadata.
  async function timesOf(view, signal) {
    const archived = view.chunks.filter((one) => one.metadataBlobName).length;
    if (archived === metadataCount) return times;
    try {
      const { body } = await get(`${pathOf(argument)}/timeline`, { signal });
      metadataCount = archived;
      return body.chunks;
    } catch (error) {
      if (error instanceof NeedsKey || signal.aborted) throw error;
      return times; // show the rest of the view without it
    }
  }

  function title(view) {
    const failed = view.chunks.filter((one) => REPLAYABLE.has(one.state)).length;
    return [
      h("h1", {}, shown.title),
      badge(view.state),
      h("span", { class: "spacer" }),
      h(
        "div",
        { class: "buttons" },
        failed ? replayButton({ recording: argument, about: "failed and lost chunks", then: refreshNow }) : null,
        h("button", { id: "refresh", class: "quiet", onclick: refreshNow }, "Refresh"),
      ),
    ];
  }

  function announceChanges(now) {
    const changed = now.filter((one) => states[one.documentId] && states[one.documentId] !== one.state);
    if (changed.length) {
      announce(changed.map((one) => `Chunk ${one.index}: ${(STATES[one.state] ?? [one.state])[0]}`).join(", "));
    }
    states = Object.fromEntries(now.map((one) => [one.documentId, one.state]));
  }

  return shown;
}

const isSafe = (one) => SAFE.has(one.state);
const minute = () => Math.floor(Date.now() / 60_000);
const chunkOf = (view, documentId) => view.chunks.find((one) => one.documentId === documentId);

function refreshSeconds(view) {
  if (view.chunks.some((one) => IN_PROGRESS.has(one.state))) return WHILE_COPYING;
  return RUNNING.has(view.state) || view.chunks.some((one) => one.state === "archived") ? WHILE_OPEN : WHEN_ENDED;
}

function nextStep(chunk) {
  if (isAcknowledged(chunk)) return `Acknowledged by ${chunk.acknowledgedBy}, ${moment(chunk.acknowledgedAt)}.`;
  if (chunk.state === "lost") return "Retry only if ACS still has the file.";
  if (chunk.state !== "failed") return "";
  return Date.parse(chunk.deadline) > Date.now()
    ? `Its source is kept until ${moment(chunk.deadline)}. Fix the cause, then retry.`
    : "Its deadline has passed, and ACS may delete its source at any moment. Fix the cause, then retry at once.";
}

const RUNBOOKS = { failed: "chunk-failed", lost: "chunk-lost", removed: "archived-file-removed" };
const TITLES = { failed: "failed", lost: "is lost", removed: "was removed from the archive" };

function troubles(view) {
  const bad = view.chunks
    .filter((one) => BAD.has(one.state))
    .map((one) => ({
      title: `Chunk ${one.index} ${TITLES[one.state]}`,
      reason: one.reason,
      detail: one.detail,
      acknowledged: isAcknowledged(one),
      since: one.removedAt ?? one.lostAt ?? one.failedAt,
      next: nextStep(one),
      runbook: RUNBOOKS[one.state],
    }));
  const own = [
    view.state === "overdue" && {
        title: "Files overdue",
        reason: "files-overdue",
        since: view.overdueAt,
        detail: "The recording ended, and ACS didn't report all of its files.",
        next: "Look for the event in Event Grid's metrics, the dead letters and the quarantine.",
        runbook: "recording-files-overdue",
      },
    view.failure && {
      title: "ACS couldn't start the recording",
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
    { class: `note ${item.acknowledged ? "calm" : "bad"}` },
    h(
      "p",
      {},
      h("strong", {}, item.title),
      item.reason ? [" · ", h("code", {}, item.reason)] : "",
      item.since ? h("span", { class: "dim" }, ` · since ${moment(item.since)}`) : "",
    ),
    item.detail ? h("p", {}, sentence(item.detail)) : null,
    item.next ? h("p", { class: "dim" }, item.next) : null,
    item.runbook ? h("p", {}, h("a", { href: `#/runbooks/${item.runbook}` }, `Runbook: ${item.runbook}`)) : null,
  );
