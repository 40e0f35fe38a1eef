// The name of a recording, the same everywhere: its correlation or labels, else its start and its participants. The
// environment's name, so that nobody takes the test system for the real one.

import { count, rowMoment } from "./format.js";

export function nameOf(row, participants = 0) {
  if (row.correlation) return row.correlation;
  const labels = Object.entries(row.labels ?? {}).map(([key, value]) => `${key}: ${value}`);
  if (labels.length) return labels.join(", ");
  const at = row.startedAt ?? row.requestedAt ?? row.listedAt;
  const when = at ? `Recording of ${rowMoment(at)}` : "Recording";
  return participants ? `${when}, ${count(participants, "participant")}` : when;
}

// The name of the function app, or the host for another domain.
export const environment = location.hostname.endsWith(".azurewebsites.net")
  ? location.hostname.split(".")[0]
  : location.host;

export const titleOf = (view) => `${view} · ${environment} · Callvault`;
