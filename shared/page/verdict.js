// One sentence for the whole: does the promise hold? It promises no more than the summary knows.

import { count, span } from "./format.js";

const CLOSE = 4 * 3600; // seconds: under it, whoever watches should look

export function verdict({ open, trouble, lastDay }) {
  const oldest = open.oldest;
  const waiting = (open.chunks.pending ?? 0) + (open.chunks.copying ?? 0);
  const failed = open.chunks.failed ?? 0;
  const wrong = trouble.recordings.length;
  if (wrong || failed) {
    const many = `${wrong}${trouble.more ? " or more" : ""}`;
    return {
      tone: "bad",
      title: wrong ? `${wrong === 1 && !trouble.more ? "1 recording needs" : `${many} recordings need`} you` : `${count(failed, "chunk")} failed`,
      detail: oldest ? `The least time left is ${timeLeft(oldest)}.` : "Nothing else is open.",
    };
  }
  if (oldest && oldest.secondsLeft < CLOSE) {
    return { tone: "warn", title: "Time is getting short", detail: `Chunk ${oldest.index} of a recording has ${timeLeft(oldest)}.` };
  }
  if (waiting) {
    return {
      tone: "busy", title: "All in hand",
      detail: `${count(waiting, "chunk")} on the way${oldest ? `, the nearest deadline in ${span(oldest.secondsLeft)}` : ""}.`,
    };
  }
  const safe = lastDay.safe ? `${count(lastDay.safe, "chunk")} became safe in the last 24 hours.` : "Nothing was announced in the last 24 hours.";
  return { tone: "good", title: "Everything is safe", detail: safe };
}

const timeLeft = (chunk) => (chunk.secondsLeft > 0 ? span(chunk.secondsLeft) : "none: its deadline has passed");
