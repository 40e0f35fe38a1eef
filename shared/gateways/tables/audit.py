"""Audit entries: the actions on a recording, in the recording's own partition, oldest first.

Entries are only inserted, with a time and a mark in their key, so no entry replaces another. An entry about a change of
the recording is written in one transaction with the change: either both are written or neither. Two entries with the
same time and mark are written once, for example if two processes record the same start.
"""

import json
from datetime import UTC
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient

from shared.domain.random_source import RandomSource
from shared.domain.records import AuditEntry
from shared.gateways.faults import storage_faults
from shared.gateways.tables.retries import REPEATED

_ROWS = "audit-"  # followed by the time and a mark
_END = "audit."  # the first key after all audit rows


def audit_entity(recording_key: str, entry: AuditEntry, random_source: RandomSource) -> dict[str, Any]:
    """The row of an entry. An entry without a mark gets a random one, so each call creates a new row."""
    at, mark = entry.at.astimezone(UTC), entry.mark or random_source.new_id().hex
    return {
        "PartitionKey": recording_key,
        "RowKey": f"{_ROWS}{at:%Y%m%dT%H%M%S}.{at.microsecond:06d}-{mark[:12]}",
        "at": at,
        "action": entry.action,
        "by": entry.by,
        "details": json.dumps(dict(entry.details)),
    }


class Audit:
    """Inserts and reads audit entries."""

    def __init__(self, tables: TableServiceClient, table_name: str, random_source: RandomSource) -> None:
        self._table, self._random_source = tables.get_table_client(table_name), random_source

    async def add(self, recording_key: str, entry: AuditEntry) -> None:
        with storage_faults("writing to the audit"):
            try:
                await self._table.create_entity(audit_entity(recording_key, entry, self._random_source), **REPEATED)
            except ResourceExistsError:
                return  # our own row: the SDK retried a write whose answer was lost

    async def history(self, recording_key: str) -> tuple[AuditEntry, ...]:
        """All entries of a recording, oldest first."""
        with storage_faults("reading the audit"):
            rows = self._table.query_entities(
                "PartitionKey eq @key and RowKey ge @first and RowKey lt @end",
                parameters={"key": recording_key, "first": _ROWS, "end": _END},
            )
            return tuple([_entry(row) async for row in rows])


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(at=row["at"], action=row["action"], by=row["by"], details=json.loads(row["details"]))
