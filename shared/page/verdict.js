// One sentence for the whole: does the promise hold? It promises no more than the summary knows.

import { count, span } from "./format.js";

const CLOSE = 4 * 3600; // seconds: under it, whoever watches should look

export function verdict({ open, trouble, lastDay }) {
  const oldest = open.oldest;
  const waiting = (open.chunks.pending ?? 0) + (open.chunks.copying ?? 0);
  const failed = open.chunks.failed ?? 0;
  const wrong = trouble.recordings.length;
  const unseen = open.chunksLeftOut > 0;
  if (wrong || failed) {
    const many = `${wrong}${trouble.more ? " or more" : ""}`;
    return {
      tone: "bad",
      title: wrong
        ? `${wrong === 1 && !trouble.more ? "1 recording needs" : `${many} recordings need`} you`
        : `${count(failed, "chunk")} failed`,
      detail: oldest ? `The least time left is ${timeLeft(oldest)}.` : "Nothing else is open.",
    };
  }
  if (oldest && oldest.secondsLeft <= 0) {
    return {
      tone: "bad",
      title: "A deadline has passed",
      detail: `Chunk ${oldest.index} of a recording is ${oldest.state}.`,
    };
  }
  if (oldest && oldest.secondsLeft < CLOSE) {
    return {
      tone: "warn",
      title: "Time is getting short",
      detail: `Chunk ${oldest.index} of a recording has ${span(oldest.secondsLeft)}.`,
    };
  }
  if (waiting) {
    const nearest = oldest ? `, the nearest deadline in ${span(oldest.secondsLeft)}` : "";
    const many = `${count(waiting, "chunk")}${unseen ? " or more" : ""}`;
    return { tone: "busy", title: "All in hand", detail: `${many} on the way${nearest}.` };
  }
  if (unseen) {
    return {
      tone: "warn",
      title: "Not everything could be looked at",
      detail: `What was looked at is safe; ${count(open.chunksLeftOut, "chunk")} with later deadlines may not be.`,
    };
  }
  const safe = lastDay.safe
    ? `${count(lastDay.safe, "chunk")} became safe in the last 24 hours.`
    : "Nothing is open, and nothing came to an end in the last 24 hours.";
  return { tone: "good", title: "Everything is safe", detail: safe };
}

const timeLeft = (chunk) => (chunk.secondsLeft > 0 ? span(chunk.secondsLeft) : "none: its deadline has passed");
