"""Reports actions that ACS carried out and whose audit entry could not be written.

Such an action can't be undone. The error log line has the action, its time and its caller, and raises an alert.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.domain.records import AuditEntry
from shared.errors import CallvaultError
from shared.observability.logs import logger

log = logger("audit")


@contextmanager
def reported_if_unwritten(entry: AuditEntry, recording_key: str) -> Iterator[None]:
    """Logs the entry if the block that writes it raises, also on cancellation. The error is raised again.

    The log line leaves out the entry's details, which may contain a caller's text.
    """
    try:
        yield
    except BaseException as error:
        _report(entry, recording_key, error.reason if isinstance(error, CallvaultError) else type(error).__name__)
        raise


def _report(entry: AuditEntry, recording_key: str, reason: str) -> None:
    at = entry.at.isoformat()
    extra = {"action": entry.action, "recording_key": recording_key, "by": entry.by, "at": at, "reason": reason}
    log.error("audit entry not written", extra=extra)
