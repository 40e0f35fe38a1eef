"""Writes an audit entry when an answer names participants.

The entry is written before the answer is sent. If writing fails, the request fails.
"""

from collections.abc import Iterable

from shared.contracts.http.archive_view import ParticipantView
from shared.domain.clock import Clock
from shared.domain.records import AuditEntry
from shared.gateways.tables.audit import Audit


class Disclosures:
    """Records reads of participants' ids."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit, self._clock = audit, clock

    async def record(
        self, action: str, recording_key: str, named: Iterable[list[ParticipantView] | None], *, by: str
    ) -> None:
        """Writes an entry if the answer names a participant. After a DestinationError, the answer must not be sent."""
        if any(named):
            await self._audit.add(recording_key, AuditEntry(at=self._clock.now(), action=action, by=by))
