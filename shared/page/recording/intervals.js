// The chunks of a recording as intervals of wall-clock time in milliseconds, with their pauses and the gaps between
// them, and the conversion between a moment and a position in a file.

const MIN_GAP = 1000; // milliseconds without a chunk; anything shorter is rounding

// A file's duration excludes pauses, so add them to get the interval.
export const intervalsOf = (times) =>
  times
    .filter((one) => one.startedAt && one.durationMs !== null)
    .map((one) => {
      const from = Date.parse(one.startedAt);
      const pauses = (one.pauses ?? []).map((pause) => ({
        from: Date.parse(pause.startedAt),
        to: Date.parse(pause.startedAt) + pause.durationMs,
      }));
      const paused = pauses.reduce((sum, pause) => sum + pause.to - pause.from, 0);
      return {
        documentId: one.documentId,
        index: one.index,
        from,
        to: from + one.durationMs + paused,
        pauses,
        participants: one.participants ?? [],
      };
    })
    .toSorted((a, b) => a.from - b.from);

// Gaps between two chunks, and before the first or after the last chunk if one is missing there. The length of these
// outer gaps follows from the recording's duration and not from its start: the event can come without a start time, and
// `startedAt` is then the time of ACS's notification, which isn't measured by the clock of the chunks.
export function gapsOf(pieces, view, missing) {
  const [first, last] = [pieces[0], pieces.at(-1)];
  const gaps = [];
  let until = first.from;
  for (const one of pieces) {
    if (one.from - until > MIN_GAP) gaps.push({ from: until, to: one.from });
    until = Math.max(until, one.to);
  }
  const outside = (view.durationMs ?? 0) - (until - first.from - pausedIn(pieces));
  const lacksFirst = missing.some((one) => one.index < first.index);
  const lacksLast = missing.some((one) => one.index > last.index);
  const before = lacksFirst ? (lacksLast ? leadOf(first, view, outside) : outside) : 0;
  const after = lacksLast ? outside - before : 0;
  if (before > MIN_GAP) gaps.unshift({ from: first.from - before, to: first.from });
  if (after > MIN_GAP) gaps.push({ from: until, to: until + after });
  return gaps;
}

// Two files of the same chunk have the same pauses: count each once.
const pausedIn = (pieces) =>
  [...new Map(pieces.flatMap((one) => one.pauses).map((pause) => [pause.from, pause.to - pause.from])).values()].reduce(
    (sum, one) => sum + one,
    0,
  );

// With chunks missing at both ends, only the recording's start can divide the time outside between them.
const leadOf = (first, view, outside) =>
  view.startedAt ? Math.max(0, Math.min(outside, first.from - Date.parse(view.startedAt))) : 0;

// For each channel: its name, its participant, and the chunks in which the participant is on it.
export function channels(pieces) {
  const found = new Map();
  for (const piece of pieces) {
    for (const { participantId, channel } of piece.participants) {
      if (channel === null) continue;
      const key = `${channel} ${participantId}`;
      if (!found.has(key)) found.set(key, [`Channel ${channel}`, participantId, []]);
      found.get(key)[2].push(piece);
    }
  }
  return [...found.entries()]
    .toSorted(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }))
    .map(([, lane]) => lane);
}

// The position in the file, in seconds, at a moment; momentOf is the inverse.
export function mediaTime(one, moment) {
  const before = one.pauses.reduce((sum, pause) => sum + Math.max(0, Math.min(moment, pause.to) - pause.from), 0);
  return Math.max(0, (moment - one.from - before) / 1000);
}

export function momentOf(one, seconds) {
  let moment = one.from + seconds * 1000;
  for (const pause of one.pauses.toSorted((a, b) => a.from - b.from))
    if (pause.from < moment) moment += pause.to - pause.from;
  return moment;
}

// The chunks in the order in which they were recorded: by start if all are known, else by index.
export function inOrder(chunks, times) {
  const starts = new Map(intervalsOf(times).map((one) => [one.documentId, one.from]));
  const areKnown = chunks.every((one) => starts.has(one.documentId));
  const place = (one) => (areKnown ? starts.get(one.documentId) : one.index);
  return chunks.toSorted((a, b) => place(a) - place(b));
}

// The channels that the metadata of a chunk names.
export function channelNumbers(times, documentId) {
  const found = times.find((one) => one.documentId === documentId);
  const numbers = (found?.participants ?? []).map((one) => one.channel).filter((one) => one !== null);
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}

// Seconds between the end of a chunk and the start of the next; 0 if they aren't known.
export function gapBetween(times, documentId, next) {
  const pieces = intervalsOf(times);
  const [one, other] = [documentId, next].map((id) => pieces.find((piece) => piece.documentId === id));
  return one && other ? Math.max(0, (other.from - one.to) / 1000) : 0;
}
