"""Nobody takes a chunk from a worker whose lease, by the taker's own clock, hasn't ended. Read from raw storage.

A corrected event may take it: it makes the chunk pending, so that it is copied from the new location.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.memory.storage.account import Account
from local.simulation.judging.invariants import Violated, key_named
from local.simulation.world.outside import Call
from local.simulation.world.processes import Process

if TYPE_CHECKING:
    from local.memory.storage.entities import Row

_ENDS = ("archived", "failed", "lost")


class Leases:
    """Compares the chunks' rows before and after each write."""

    def __init__(self, account: Account, table: str) -> None:
        self._account, self._table = account, table
        self._rows: dict[Any, Row] = {}
        self.holders: dict[str, Process] = {}  # by the owner that the row names

    def resume(self, holders: Mapping[str, Process]) -> None:
        """Continues from another moment, with the rows as they are now."""
        self._rows, self.holders = dict(self._account.tables[self._table].rows), dict(holders)

    def check(self, call: Call) -> None:
        """Raises Violated if this call took a chunk from its worker."""
        if not call.operation.writes or call.operation.target != self._table:
            return
        rows = self._account.tables[self._table].rows
        for key in map(key_named, call.operation.part):
            row, before = rows.get(key), self._rows.get(key)
            if row is None or before is row or "state" not in row.entity:
                continue
            self._rows[key] = row
            if before is not None:
                self._check(before.entity, row.entity, call.process)
            if owner := row.entity.get("owner"):
                self.holders.setdefault(owner, call.process)

    def _check(self, before: Mapping[str, Any], after: Mapping[str, Any], writer: Process) -> None:
        until, owner, now = before.get("leaseUntil"), before.get("owner"), self._account.now() + writer.skew
        if until is None or datetime.fromisoformat(str(until)) <= now:
            return
        is_taken = after.get("owner") not in (None, owner)
        is_ended = after["state"] in _ENDS and writer is not self.holders.get(str(owner))
        if is_taken or is_ended:
            raise Violated(f"{after['documentId']} was taken from a worker whose lease hasn't ended")
