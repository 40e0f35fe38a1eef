// The overall status in one title and one sentence. It claims no more than the summary proves.

import { count, span } from "./format.js";

const WARN_BELOW = 4 * 3600; // seconds left until the nearest deadline

export function verdict({ open, trouble, lastDay }) {
  const oldest = open.oldest;
  const waiting = (open.chunks.pending ?? 0) + (open.chunks.copying ?? 0);
  const failed = open.chunks.failed ?? 0;
  const inTrouble = trouble.recordings.length;
  const unchecked = open.chunksLeftOut > 0;
  if (inTrouble || failed) {
    const many = `${inTrouble}${trouble.more ? " or more" : ""}`;
    return {
      tone: "bad",
      title: inTrouble
        ? `${inTrouble === 1 && !trouble.more ? "1 recording needs" : `${many} recordings need`} action`
        : `${count(failed, "chunk")} failed`,
      detail: oldest
        ? `Time left until the nearest deadline: ${timeLeft(oldest)}.`
        : unchecked
          ? "Not all open chunks were checked."
          : "No chunks are open.",
    };
  }
  if (oldest && oldest.secondsLeft <= 0) {
    return {
      tone: "bad",
      title: "A deadline has passed",
      detail: `Chunk ${oldest.index} of a recording is still ${oldest.state}.`,
    };
  }
  if (oldest && oldest.secondsLeft < WARN_BELOW) {
    return {
      tone: "warn",
      title: "A deadline is near",
      detail: `Chunk ${oldest.index} of a recording has ${span(oldest.secondsLeft)} left.`,
    };
  }
  if (waiting) {
    const nearest = oldest ? `, the nearest deadline in ${span(oldest.secondsLeft)}` : "";
    const many = `${count(waiting, "chunk")}${unchecked ? " or more" : ""}`;
    return { tone: "busy", title: "Archiving in progress", detail: `${many} in progress${nearest}.` };
  }
  if (unchecked) {
    return {
      tone: "warn",
      title: "Not all chunks were checked",
      detail: `All checked chunks are archived. ${count(open.chunksLeftOut, "chunk")} with later deadlines may not be.`,
    };
  }
  const safe = lastDay.safe
    ? `${count(lastDay.safe, "chunk")} archived in the last 24 hours.`
    : "None were archived in the last 24 hours.";
  return { tone: "good", title: "No chunks are open", detail: safe };
}

const timeLeft = (chunk) => (chunk.secondsLeft > 0 ? span(chunk.secondsLeft) : "none, the deadline has passed");
