"""Writes audit entries, and defines what happens if one can't be written.

The entry of a read of participants' ids is written before the answer; if that fails, the read fails. An action that ACS
carried out can't be undone; if its entry can't be written, an error log line has the entry's action, time and caller,
and raises an alert.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from shared.contracts.http.archive_view import ParticipantView
from shared.domain.clock import Clock
from shared.domain.records import AuditEntry
from shared.errors import CallvaultError
from shared.gateways.tables.audit import Audit
from shared.observability.logs import logger

log = logger("audit")


class Disclosures:
    """Answers that name participants."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit, self._clock = audit, clock

    async def record(
        self, action: str, recording_key: str, named: Iterable[list[ParticipantView] | None], *, by: str
    ) -> None:
        """Writes an entry if the answer names a participant. Raises DestinationError: then don't answer."""
        if any(named):
            await self._audit.add(recording_key, AuditEntry(at=self._clock.now(), action=action, by=by))


@contextmanager
def reported_if_unwritten(entry: AuditEntry, recording_key: str) -> Iterator[None]:
    """Logs the entry of an action that was carried out, if writing it raises, and raises the same error.

    This includes cancellation. The log line leaves out the entry's details, which may contain a caller's text.
    """
    try:
        yield
    except BaseException as error:
        _report(entry, recording_key, error.reason if isinstance(error, CallvaultError) else type(error).__name__)
        raise


def _report(entry: AuditEntry, recording_key: str, reason: str) -> None:
    at = entry.at.isoformat()
    told = {"action": entry.action, "recording_key": recording_key, "by": entry.by, "at": at, "reason": reason}
    log.error("audit entry not written", extra=told)
