"""A recording whose files didn't all come is reported as overdue, and a change of locations is in its history."""

import json
from collections.abc import Iterator

from local.simulation.judging.invariants import Invariants
from local.simulation.judging.stored import Stored, is_whole

_RELOCATED = "relocated"


class Awaited:
    """Judges recordings that lack files, and chunks that were announced with other locations."""

    def __init__(self, stored: Stored, invariants: Invariants) -> None:
        self._stored, self._invariants = stored, invariants

    def violations(self) -> Iterator[str]:
        chunks, audit = self._stored.chunks(), self._stored.audit()
        for key, row in self._stored.recordings().items():
            files = chunks.get(key, [])
            failed = row.get("control") == "failed" and not files
            if row.get("recordingId") and not failed and "overdueAt" not in row and not is_whole(row, files):
                yield f"{row['recordingId']} has ended without all of its files, and isn't overdue"
        entered = {
            json.loads(str(entry["details"])).get("documentId")
            for entries in audit.values()
            for entry in entries
            if entry["action"] == _RELOCATED
        }
        for document_id in sorted(self._invariants.relocated - entered):
            yield f"{document_id} has other locations than before, which isn't in the history"
