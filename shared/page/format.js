// Sizes, times and states in words.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const count = (value, one, many = `${one}s`) => `${number.format(value)} ${value === 1 ? one : many}`;
export const plain = (value) => number.format(value);

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${number.format(bytes / 1024 ** power)} ${UNITS[power]}`;
}

// Two units at most: nobody reads the seconds of a day.
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

export const time = (iso) => (iso ? clock.format(new Date(iso)) : "–");
export const shortTime = (value) => hour.format(new Date(value));
export const date = (iso) => (iso ? day.format(new Date(iso)) : "–");
export const moment = (iso) => (iso ? `${date(iso)}, ${time(iso)}` : "–");
export const secondsUntil = (iso) => (new Date(iso) - Date.now()) / 1000;
export const short = (text, most = 12) => (text && text.length > most ? `${text.slice(0, most)}…` : text);
export const tail = (text, most) => (text && text.length > most ? `…${text.slice(-most)}` : text);

// tone: good, busy, calm, warn, bad
export const STATES = {
  starting: ["Starting", "busy", "ACS accepted the start and has not said yet that it runs"],
  active: ["Active", "busy", "It runs"],
  paused: ["Paused", "calm", "It runs, and records nothing until it is resumed"],
  stopped: ["Stopped", "calm", "It ended; its files have not been announced yet"],
  overdue: ["Overdue", "warn", "It ended, and its files were not announced in the time that they should take"],
  archiving: ["Archiving", "busy", "Its files are on their way into the archive"],
  archived: ["Archived", "good", "In the archive, verified"],
  incomplete: ["Incomplete", "bad", "A file failed, is lost, or was removed from the archive"],
  expired: ["Expired", "calm", "Was in the archive until the archive's own rule removed it"],
  removed: ["Removed", "bad", "Was in the archive until somebody removed a file of it"],
  pending: ["Waiting", "calm", "Known, and waiting for a worker or its next attempt"],
  copying: ["Copying", "busy", "On its way into the archive"],
  released: ["Released", "good", "In the archive, verified, and its source deleted"],
  failed: ["Failed", "bad", "Given up with a reason; its source is kept, and it can be replayed"],
  lost: ["Lost", "bad", "Its source went away before it was archived"],
  unknown: ["Unknown", "calm", "Only ACS can tell: open the recording"],
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
const lacks = (one, file) => one.missing === file || one.missing === "both";
export const hasMedia = (one) => Boolean(one.blobName) && !lacks(one, "media");
export const hasMetadata = (one) => Boolean(one.metadataBlobName) && !lacks(one, "metadata");
