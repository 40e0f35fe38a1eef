"""Deletes expired rows once a day, because Azure tables have no expiry.

These are answers stored under an Idempotency-Key, claims on automatically recorded calls, and the bodies of starts,
which may name participants. A run deletes a bounded number of rows of each kind. The next run deletes the rest, also
after a crash.

A start that is still stored after a day has no recording in the ledger: the process died after ACS was asked, or ACS's
answer wasn't clear. Nothing else has its consent and its author. Such a start is reported on the second day, and again
before it is deleted. Only a person can say which recording it belongs to: a call may have several, and a consent must
not end up with the wrong one.
"""

from datetime import timedelta

from shared.domain.clock import Clock
from shared.gateways.bundle import Gateways
from shared.gateways.tables.expired_rows import RowKind
from shared.observability.logs import logger

log = logger("expiry")

# Longer than anything can still need such a row: a repeated request, a late event, or a callback.
KEPT = timedelta(days=30)
_UNLINKED = timedelta(days=1)  # after which a stored start is reported, in a run of the day that follows
_MOST = 500_000  # rows of each kind in one run: more than a hundred million recordings a year need


class Expiry:
    """Deletes expired rows."""

    def __init__(self, gateways: Gateways, clock: Clock, *, most: int = _MOST) -> None:
        self._expired_rows, self._starts, self._clock, self._most = gateways.expired_rows, gateways.starts, clock, most

    async def run(self) -> None:
        """Raises DestinationError if rows can't be listed or deleted."""
        await self._report_starts()
        before = self._clock.now() - KEPT
        removed = {kind: await self._expired_rows.remove(kind, before=before, most=self._most) for kind in RowKind}
        counts = {kind.name.lower(): number for kind, number in removed.items() if number}
        log.info("expired rows removed", extra={"action": "expiry", **counts})

    async def _report_starts(self) -> None:
        now = self._clock.now()
        async for start in self._starts.open(before=now - _UNLINKED):
            asked, entry, stored_at = start.asked, start.entry, start.stored_at
            if asked is None or entry is None or stored_at is None or now - KEPT <= stored_at < now - 2 * _UNLINKED:
                continue
            extra = {"action": entry.action, "by": entry.by, "at": entry.at.isoformat(), "start_id": start.start_id}
            if asked.consent_basis is None:
                log.warning("start not linked to a recording", extra=extra)
            else:
                log.error("consent not linked to a recording", extra=extra)
