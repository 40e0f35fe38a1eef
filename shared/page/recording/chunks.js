// The table of a recording's chunks: state and progress, size, digest, times and actions.

import { chunkPath, get } from "./api.js";
import { badge } from "./badge.js";
import { acknowledgeButton } from "./acknowledge.js";
import { h } from "./dom.js";
import { ACKNOWLEDGEABLE, MISSING, REPLAYABLE, SAFE, hasMedia, hasMetadata, isAcknowledged, moment, secondsUntil, size, span, time } from "./format.js";
import { timeLeft } from "./listing.js";
import { copyButton } from "./copy.js";
import { replayButton } from "./replay.js";
import { toast } from "./toast.js";

export const chunksTable = (recording, chunks, actions) =>
  h(
    "div",
    { class: "scroll" },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, "Chunks of this recording"),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Chunk", "State", "Size", "SHA-256", "Reported", "Time to archive", "Actions"].map((title) =>
            h("th", { scope: "col" }, title),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        chunks.map((one) => row(recording, one, actions)),
      ),
    ),
  );

const cell = (label, ...content) => h("td", { "data-label": label }, content);

const row = (recording, one, { play, then }) =>
  h(
    "tr",
    {},
    h("th", { scope: "row", "data-title": "Chunk" }, `${one.index}`, one.sibling ? h("span", { class: "dim under" }, "same index") : null),
    cell("State", badge(one.state), stateDetails(one)),
    cell("Size", size(one.size)),
    cell("SHA-256", digest(one)),
    cell("Reported", moment(one.eventTime)),
    cell("Time to archive", one.archivedAt ? span((new Date(one.archivedAt) - new Date(one.eventTime)) / 1000) : "–"),
    cell("Actions", h("div", { class: "buttons" }, actionsOf(recording, one, play, then))),
  );

// Its last attempt failed, and it waits for the next one.
export const isWaiting = (one) => one.state === "pending" && Boolean(one.reason && one.nextAttemptAt);

function stateDetails(one) {
  if (one.state === "copying") return progress(one);
  if (one.state === "pending" && one.nextAttemptAt && secondsUntil(one.nextAttemptAt) > 0) {
    return h(
      "span",
      { class: "dim under" },
      `attempt ${one.attempts + 1} at ${time(one.nextAttemptAt)}`,
      one.reason ? ` · ${one.reason}` : "",
    );
  }
  if (MISSING.has(one.state)) {
    const what = { media: "media file", metadata: "metadata file", both: "both files" }[one.missing] ?? "file";
    const how = one.state === "expired" ? "deleted by the lifecycle rule" : "missing in the archive";
    return h(
      "span",
      { class: "dim under" },
      `${what} ${how}, found ${moment(one.expiredAt ?? one.removedAt)}`,
      acknowledged(one),
    );
  }
  if (one.missing === "metadata") return h("span", { class: "dim under" }, "metadata file deleted by the lifecycle rule");
  if (one.state === "lost") return h("span", { class: "dim under" }, acknowledged(one));
  return SAFE.has(one.state) ? null : h("span", { class: "dim under" }, timeLeft(one.deadline));
}

const acknowledged = (one) => (isAcknowledged(one) ? ` · acknowledged by ${one.acknowledgedBy}` : "");

function progress(one) {
  if (!one.expected) return h("span", { class: "dim under" }, timeLeft(one.deadline));
  const share = Math.min(1, (one.copied ?? 0) / one.expected);
  const text = `${size(one.copied ?? 0)} of ${size(one.expected)}`;
  return h(
    "span",
    { class: "under" },
    h("progress", {
      max: "100",
      value: String(Math.round(share * 100)),
      "aria-label": `Copy progress of chunk ${one.index}`,
    }),
    h("span", { class: "dim" }, ` ${Math.floor(share * 100)} % · ${text}`),
  );
}

function digest(one) {
  if (!one.sha256) return h("span", { class: "dim" }, "–");
  return h(
    "span",
    {},
    h("code", { class: "digest", title: one.sha256 }, one.sha256),
    copyButton({ id: `copy-${one.documentId}`, text: one.sha256, what: `SHA-256 of chunk ${one.index}` }),
  );
}

function actionsOf(recording, one, play, then) {
  const about = `chunk ${one.index}`;
  return [
    hasMedia(one) &&
      h(
        "button",
        { class: "primary", id: `play-${one.documentId}`, onclick: () => play(one), "aria-label": `Play ${about}` },
        "Play",
      ),
    hasMedia(one) && downloadButton(recording, one, "content", "Download"),
    hasMetadata(one) && downloadButton(recording, one, "metadata", "Metadata"),
    REPLAYABLE.has(one.state) ? replayButton({ recording, documentId: one.documentId, about, then }) : null,
    ACKNOWLEDGEABLE.has(one.state) && !isAcknowledged(one) && acknowledgeButton({ recording, chunk: one, then }),
    isWaiting(one)
      ? replayButton({ recording, documentId: one.documentId, about, then, label: "Retry now" })
      : null,
  ];
}

// A browser can't send a header with a link, so the app returns a short-lived link that includes its own authorization.
function downloadButton(recording, one, file, label) {
  const button = h(
    "button",
    { id: `${file}-${one.documentId}`, "aria-label": `${label} of chunk ${one.index}` },
    label,
  );
  button.addEventListener("click", async () => {
    try {
      const { body } = await get(`${chunkPath(recording, one.documentId)}/${file}`, {
        parameters: { redirect: "false" },
      });
      location.assign(body.url);
    } catch (error) {
      toast(`${label} failed: ${error.message}`, { failed: true });
    }
  });
  return button;
}
