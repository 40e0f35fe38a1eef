"""What people must be told in time: missing files, chunks that aren't archived near their deadline, new locations."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from local.memory.storage.conversions import Entity
from local.simulation.judging.invariants import Invariants
from local.simulation.judging.stored import Stored, is_whole
from local.simulation.schedules.recordings import QUIET
from local.simulation.schedules.schedule import Schedule
from local.simulation.world.cluster import BEGIN

_RELOCATED = "relocated"
_REPORT_HOURS = (12, 4, 1, 0)  # before the deadline
_REPORT_TAKES = timedelta(minutes=15)  # clocks that differ, and the sweep's minute


class Awaited:
    """Judges recordings that lack files, and chunks that were announced with other locations."""

    def __init__(self, stored: Stored, invariants: Invariants, schedule: Schedule) -> None:
        self._stored, self._invariants = stored, invariants
        self._reliable_from = BEGIN if schedule.is_calm else BEGIN + timedelta(seconds=QUIET)

    def violations(self) -> Iterator[str]:
        chunks, audit = self._stored.chunks(), self._stored.audit()
        for key, row in self._stored.recordings().items():
            files = chunks.get(key, [])
            failed = row.get("control") == "failed" and not files
            if row.get("recordingId") and not failed and "overdueAt" not in row and not is_whole(row, files):
                yield f"{row['recordingId']} has ended without all of its files, and isn't overdue"
            for chunk in files:
                yield from self._escalation(chunk)
        entered = {
            json.loads(str(entry["details"])).get("documentId")
            for entries in audit.values()
            for entry in entries
            if entry["action"] == _RELOCATED
        }
        for document_id in sorted(self._invariants.relocated - entered):
            yield f"{document_id} has other locations than before, which isn't in the history"

    def _escalation(self, chunk: Entity) -> Iterator[str]:
        """A chunk that was still open some time after a threshold must have been reported at it."""
        ended = chunk.get("archivedAt") or chunk.get("lostAt") or chunk.get("failedAt")
        if ended is None:
            return
        open_since = max(datetime.fromisoformat(str(chunk["pendingAt"])), self._reliable_from)
        open_until = datetime.fromisoformat(str(ended)) - _REPORT_TAKES
        deadline = datetime.fromisoformat(str(chunk["deadline"]))
        passed = [hours for hours in _REPORT_HOURS if max(deadline - timedelta(hours=hours), open_since) < open_until]
        if passed and int(str(chunk.get("escalated", 99))) > min(passed):
            yield f"{chunk['documentId']} was open {min(passed)} hours before its deadline, which was not reported"
