// The overall status in one title and one sentence. It claims no more than the summary proves: the worst finding makes
// the title, and the detail names the others.

import { failedChecks, titleOf } from "./checks.js";
import { count, sentence, span } from "./format.js";
import { meaningOf } from "./reasons.js";

const WARN_BELOW = 4 * 3600; // seconds left until the nearest deadline

export function verdict(summary) {
  const findings = [
    trouble(summary),
    checks(summary, "danger"),
    deadline(summary),
    waiting(summary),
    checks(summary, "warning"),
    unread(summary),
  ].filter(Boolean);
  if (!findings.length) return calm(summary);
  const worst = findings.find((one) => one.tone === "bad") ?? findings[0];
  const others = findings.filter((one) => one !== worst).map((one) => lowered(one.title));
  return { ...worst, detail: others.length ? `${worst.detail} Also: ${others.join("; ")}.` : worst.detail };
}

function trouble({ open, trouble: found }) {
  const many = found.recordings.length;
  const failed = open.chunks.failed ?? 0;
  if (!many && !failed) return null;
  const recordings =
    many === 1 && !found.more ? "1 recording needs" : `${many}${found.more ? " or more" : ""} recordings need`;
  return {
    tone: "bad",
    title: many ? `${recordings} action` : `${count(failed, "chunk")} failed`,
    detail: open.oldest
      ? `Time left until the nearest deadline: ${timeLeft(open.oldest)}.`
      : open.chunksLeftOut
        ? "Not all open chunks were checked."
        : "No chunks are open.",
  };
}

// A deadline that is near has its own title.
function checks(summary, severity) {
  const failed = failedChecks(summary).filter(
    (one) => one.severity === severity && !(one.name === "deadline" && summary.open.oldest),
  );
  if (!failed.length) return null;
  const details = failed.length === 1 ? failed[0].detail : failed.map(titleOf).join("; ");
  return {
    tone: severity === "danger" ? "bad" : "warn",
    title: failed.length === 1 ? titleOf(failed[0]) : `${failed.length} checks need attention`,
    detail: sentence(details),
  };
}

function deadline({ open: { oldest } }) {
  if (!oldest || oldest.secondsLeft >= WARN_BELOW) return null;
  if (oldest.secondsLeft <= 0) {
    return {
      tone: "bad",
      title: "A deadline has passed",
      detail: `Chunk ${oldest.index} of a recording is still ${oldest.state}.`,
    };
  }
  return {
    tone: "warn",
    title: "A deadline is near",
    detail: `Chunk ${oldest.index} of a recording has ${span(oldest.secondsLeft)} left.`,
  };
}

function waiting({ open }) {
  const groups = open.waiting ?? [];
  if (!groups.length) return null;
  const all = groups.reduce((sum, one) => sum + one.chunks, 0);
  const title = `${count(all, "chunk")}${open.chunksLeftOut ? " or more" : ""} can't be copied`;
  const left = open.oldest ? ` Time left until the nearest deadline: ${timeLeft(open.oldest)}.` : "";
  return groups.length === 1
    ? { tone: "warn", title: `${title}: ${meaningOf(groups[0].reason)}`, detail: `Callvault keeps trying.${left}` }
    : {
        tone: "warn",
        title,
        detail: `${sentence(groups.map((one) => `${one.chunks}: ${meaningOf(one.reason)}`).join("; "))}${left}`,
      };
}

function unread({ open, unreadable }) {
  if (unreadable) {
    return { tone: "warn", title: "Some rows can't be read", detail: `This version can't read ${count(unreadable, "row")}.` };
  }
  const inProgress = (open.chunks.pending ?? 0) + (open.chunks.copying ?? 0);
  if (!open.chunksLeftOut || inProgress) return null;
  return {
    tone: "warn",
    title: "Not all chunks were checked",
    detail: `All checked chunks are archived. ${count(open.chunksLeftOut, "chunk")} with later deadlines may not be.`,
  };
}

function calm({ open, lastDay }) {
  const inProgress = (open.chunks.pending ?? 0) + (open.chunks.copying ?? 0);
  if (inProgress) {
    const nearest = open.oldest ? `, the nearest deadline in ${span(open.oldest.secondsLeft)}` : "";
    const many = `${count(inProgress, "chunk")}${open.chunksLeftOut ? " or more" : ""}`;
    return { tone: "busy", title: "Archiving in progress", detail: `${many} in progress${nearest}.` };
  }
  const safe = lastDay.safe
    ? `${count(lastDay.safe, "chunk")} archived in the last 24 hours.`
    : "None were archived in the last 24 hours.";
  return { tone: "good", title: "No chunks are open", detail: safe };
}

// In the middle of a sentence; names such as ACS stay as they are.
const lowered = (title) => (/^[A-Z][a-z]/.test(title) ? `${title[0].toLowerCase()}${title.slice(1)}` : title);
const timeLeft = (chunk) => (chunk.secondsLeft > 0 ? span(chunk.secondsLeft) : "none, the deadline has passed");
