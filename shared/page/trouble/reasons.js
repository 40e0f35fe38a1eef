// What the reasons of chunks mean, in a few words. docs/http.md explains all of them.

const MEANINGS = {
  "acs-credential-refused": "ACS refuses the credential",
  "acs-failed": "ACS fails",
  "acs-forbidden": "ACS forbids the request",
  "acs-garbled": "ACS's answers can't be read",
  "acs-refused": "ACS refuses the request",
  "acs-throttled": "ACS throttles the app",
  "acs-unavailable": "ACS is unavailable",
  "metadata-missing": "ACS doesn't have the metadata",
  "out-of-attempts": "the worker died in each attempt",
  "source-gone": "ACS doesn't have the file",
  "source-incomplete": "ACS sends incomplete files",
  "source-slow": "ACS sends too slowly",
  "source-unproven": "the files aren't valid media",
  "source-not-allowed": "the file's location isn't ACS's",
  "storage-conflict": "the archive has another file of this name",
  "storage-forbidden": "the archive refuses access",
  "storage-unavailable": "the archive is unavailable",
  unforeseen: "an unexpected error; see the log",
};

export const isKnown = (reason) => reason in MEANINGS;
export const meaningOf = (reason) => MEANINGS[reason] ?? reason;
