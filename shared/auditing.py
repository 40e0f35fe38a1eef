"""Audit entries whose failure has a rule of its own.

A read of participants' ids is on record before the answer is given: without its entry the read fails. An act that ACS
carried out can't be undone: if its entry can't be written, an error is logged that has all the entry would have, and
an alert.
"""

from collections.abc import Iterable

from shared.clock import Clock
from shared.contracts.archive import ParticipantView
from shared.errors import DestinationError
from shared.gateways.audit import Audit
from shared.logs import logger
from shared.records import AuditEntry

log = logger("audit")


class Disclosures:
    """Answers that name participants."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit, self._clock = audit, clock

    async def record(
        self, action: str, recording_key: str, named: Iterable[list[ParticipantView] | None], *, by: str
    ) -> None:
        """Writes an entry if the answer names anybody. Raises DestinationError: then nothing may be answered."""
        if any(named):
            await self._audit.add(recording_key, AuditEntry(at=self._clock.now(), action=action, by=by))


def report_unwritten(entry: AuditEntry, recording_key: str, error: DestinationError) -> None:
    """Logs an entry of an act that was carried out. Its details may hold what a caller wrote and stay out."""
    log.error(
        "audit entry not written",
        extra={
            "action": entry.action,
            "recording_key": recording_key,
            "by": entry.by,
            "at": entry.at.isoformat(),
            "reason": error.reason,
        },
    )
