// Two charts of the last 24 hours: chunks archived per quarter of an hour, and how long archiving took.

import { barChart, figures } from "./charts.js";
import { count, plain, shortTime, size, span, zone } from "./format.js";

const AN_HOUR = 3600_000;

const barText = (one) =>
  [`${one.safe} archived, ${size(one.size)}`, one.failed && `${one.failed} failed`, one.lost && `${one.lost} lost`]
    .filter(Boolean)
    .join(", ");

function summaryOf({ safe, size: bytes, failed, lost }) {
  if (!safe && !failed && !lost) return "No chunks in the last 24 hours.";
  const failures = failed ? count(failed, "failure") : "no failures";
  return `${count(safe, "chunk")}, ${size(bytes)}; ${failures}, ${lost || "none"} lost. Times in ${zone()}.`;
}

export function throughput(lastDay) {
  const { buckets } = lastDay;
  const busiest = Math.max(0, ...buckets.map((one) => one.safe));
  return barChart({
    id: "throughput",
    title: "Archived per 15 minutes",
    sentence: summaryOf(lastDay),
    most: busiest ? count(busiest, "chunk") : "",
    bars: buckets.map((one) => ({
      title: `${shortTime(one.start)}: ${barText(one)}`,
      parts: [
        { tone: "good", value: one.safe },
        { tone: "bad", value: one.failed + one.lost },
      ],
    })),
    labels: [0, 0.25, 0.5, 0.75]
      .map((share) => shortTime(buckets[Math.floor(buckets.length * share)].start))
      .concat("now"),
    table: figures("Chunks archived per hour", ["From", "Archived", "Size", "Failed", "Lost"], hours(buckets)),
  });
}

export function timeToSafe(lastDay) {
  const bars = lastDay.timeToSafe;
  const most = Math.max(0, ...bars.map((one) => one.chunks));
  return barChart({
    id: "time-to-safe",
    title: "Time to archive",
    sentence:
      lastDay.meanSecondsToSafe === null
        ? "No chunks in the last 24 hours."
        : `From event to archived: ${span(lastDay.meanSecondsToSafe)} on average, ` +
          `${span(lastDay.longestSecondsToSafe)} at most.`,
    most: most ? count(most, "chunk") : "",
    bars: bars.map((one, n) => ({
      title: `${range(bars, n)}: ${count(one.chunks, "chunk")}`,
      parts: [{ tone: "brand", value: one.chunks }],
    })),
    each: true,
    labels: bars.map((one) => (one.upToSeconds === null ? "more" : `${shortSpan(one.upToSeconds)}`)),
    table: figures(
      "Chunks by time to archive",
      ["Time", "Chunks"],
      bars.map((one, n) => [range(bars, n), plain(one.chunks)]),
    ),
  });
}

const shortSpan = (seconds) => {
  if (seconds < 60) return `${plain(seconds)} s`;
  return seconds < 3600 ? `${plain(seconds / 60)} m` : `${plain(seconds / 3600)} h`;
};

const range = (bars, n) => {
  const from = n ? bars[n - 1].upToSeconds : 0;
  return bars[n].upToSeconds === null
    ? `over ${shortSpan(from)}`
    : `${n ? shortSpan(from) : "0"} to ${shortSpan(bars[n].upToSeconds)}`;
};

function hours(buckets) {
  const rows = [];
  for (const bucket of buckets) {
    const hour = Math.floor(Date.parse(bucket.start) / AN_HOUR);
    if (rows.at(-1)?.hour !== hour) rows.push({ hour, start: bucket.start, safe: 0, size: 0, failed: 0, lost: 0 });
    for (const name of ["safe", "size", "failed", "lost"]) rows.at(-1)[name] += bucket[name];
  }
  return rows
    .reverse()
    .map((one) => [shortTime(one.start), plain(one.safe), size(one.size), plain(one.failed), plain(one.lost)]);
}
