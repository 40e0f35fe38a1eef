"""Deletes expired rows once a day, because Azure tables have no expiry.

These are answers stored under an Idempotency-Key, claims on automatically recorded calls, and the bodies of starts,
which may name participants. A run deletes a bounded number of rows of each kind. The next run deletes
the rest, also after a crash.
"""

from datetime import timedelta

from shared.domain.clock import Clock
from shared.gateways.bundle import Gateways
from shared.gateways.tables.expired_rows import RowKind
from shared.observability.logs import logger

log = logger("expiry")

# Longer than anything can still need such a row: a repeated request, a late event, or a callback.
KEPT = timedelta(days=30)
_MOST = 500_000  # rows of each kind in one run: more than a hundred million recordings a year need


class Expiry:
    """Deletes expired rows."""

    def __init__(self, gateways: Gateways, clock: Clock, *, most: int = _MOST) -> None:
        self._expired_rows, self._clock, self._most = gateways.expired_rows, clock, most

    async def run(self) -> None:
        """Raises DestinationError if rows can't be listed or deleted."""
        before = self._clock.now() - KEPT
        removed = {kind: await self._expired_rows.remove(kind, before=before, most=self._most) for kind in RowKind}
        counts = {kind.name.lower(): number for kind, number in removed.items() if number}
        log.info("expired rows removed", extra={"action": "expiry", **counts})
