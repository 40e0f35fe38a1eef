// Formats sizes, times and states.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" };
const clock = new Intl.DateTimeFormat(undefined, CLOCK);
const minutes = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const count = (value, one, many = `${one}s`) => `${number.format(value)} ${value === 1 ? one : many}`;
export const plain = (value) => number.format(value);

export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${number.format(bytes / 1024 ** power)} ${UNITS[power]}`;
}

// Two units at most.
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, seconds);
  if (whole < 10) return `${number.format(whole)} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, Math.floor(whole % 60)];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  if (minutes) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${rest} s`;
}

// The browser's time zone, as people write it: all times are shown in it.
export const zone = () => clock.formatToParts(new Date()).find((part) => part.type === "timeZoneName").value;
const thisYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
// For tables: without the year if it is this one. The column's title has the zone.
export const rowMoment = (iso) => {
  if (!iso) return "";
  const at = new Date(iso);
  return (at.getFullYear() === new Date().getFullYear() ? thisYear : minutes).format(at);
};
export const time = (iso) => (iso ? clock.format(new Date(iso)) : "–");
export const shortTime = (value) => hour.format(new Date(value));
export const date = (iso) => (iso ? day.format(new Date(iso)) : "–");
export const moment = (iso) => (iso ? `${date(iso)}, ${time(iso)}` : "–");
export const secondsUntil = (iso) => (new Date(iso) - Date.now()) / 1000;
export const tail = (text, length) => (text && text.length > length ? `…${text.slice(-length)}` : text);

// tone: good, busy, calm, warn, bad
export const STATES = {
  starting: ["Starting", "busy", "ACS accepted the start request and hasn't confirmed yet that the recording runs"],
  active: ["Active", "busy", "ACS is recording"],
  paused: ["Paused", "calm", "Recording is paused until it is resumed"],
  stopped: ["Stopped", "calm", "The recording ended; ACS hasn't reported its files yet"],
  overdue: ["Overdue", "warn", "The recording ended, and ACS didn't report its files in the expected time"],
  archiving: ["Archiving", "busy", "Its files are being archived"],
  archived: ["Archived", "good", "In the archive"],
  incomplete: ["Incomplete", "bad", "A chunk failed, is lost, or was removed from the archive"],
  expired: ["Expired", "calm", "The archive's lifecycle rule deleted a file"],
  removed: ["Removed", "bad", "A file is missing from the archive"],
  pending: ["Pending", "calm", "Waiting for a worker or the next attempt"],
  copying: ["Copying", "busy", "Being copied into the archive"],
  released: ["Released", "good", "Archived and verified; its source is deleted"],
  failed: ["Failed", "bad", "Archiving failed; the source is kept, and you can retry"],
  lost: ["Lost", "bad", "The source was gone before it was archived, or wasn't archived within 48 hours"],
  unknown: ["Unknown", "calm", "Open the recording to get its state from ACS"],
};
export const RECORDING_STATES = [
  "starting",
  "active",
  "paused",
  "stopped",
  "overdue",
  "archiving",
  "archived",
  "incomplete",
  "expired",
  "failed",
];
export const SAFE = new Set(["archived", "released"]);
export const REPLAYABLE = new Set(["failed", "lost"]);
export const MISSING = new Set(["expired", "removed"]);
export const ACKNOWLEDGEABLE = new Set(["lost", "removed"]);
// An acknowledgement is valid for the loss that came before it.
export const isAcknowledged = (one) =>
  Boolean(one.acknowledgedAt) && Date.parse(one.acknowledgedAt) >= Date.parse(one.removedAt ?? one.lostAt ?? 0);
const lacks = (one, file) => one.missing === file || one.missing === "both";
export const hasMedia = (one) => Boolean(one.blobName) && !lacks(one, "media");
export const hasMetadata = (one) => Boolean(one.metadataBlobName) && !lacks(one, "metadata");
