// What was recorded when, as stretches of wall-clock time in milliseconds: chunks, their pauses, the gaps between them,
// and where in a file a moment is.

const A_GAP = 1; // seconds that nothing covers and no pause explains

// A file's length leaves pauses out, so they are added again.
export const timed = (course) =>
  course
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

// Between two chunks, and before the first and after the last as far as the recording is known to reach.
export function gapsOf(pieces, view, missing) {
  const began = Date.parse(view.startedAt ?? "");
  const ended = began + (view.durationMs ?? NaN);
  const gaps = [];
  let until = Math.min(pieces[0].from, missing.length && began ? began : Infinity);
  for (const one of pieces) {
    if (one.from - until > A_GAP * 1000) gaps.push({ from: until, to: one.from });
    until = Math.max(until, one.to);
  }
  if (missing.length && ended - until > A_GAP * 1000) gaps.push({ from: until, to: ended });
  return gaps;
}

// Each as its number, who is on it, and where.
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

// Seconds of the file at a moment, and the moment at seconds of the file.
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
