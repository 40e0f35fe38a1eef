"""The audit: what was done to a recording, in the recording's own partition, oldest first.

Entries are only ever inserted, under the time and a mark, so that none replaces another. One that goes with a change of
the recording is written in the same transaction: neither stands without the other, and what is done twice under one
mark, as by two processes that tell of the same start, is written once.
"""

import json
import uuid
from datetime import UTC
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient

from shared.domain.records import AuditEntry
from shared.gateways.faults import storage_faults
from shared.gateways.tables.retries import REPEATED

_ROWS = "audit-"  # followed by the time and a random mark
_END = "audit."  # the first key after all of these


def audit_entity(recording_key: str, entry: AuditEntry) -> dict[str, Any]:
    """A row of its own for each call, unless the entry brings a mark: then for each time and mark."""
    at, mark = entry.at.astimezone(UTC), entry.mark or uuid.uuid4().hex
    return {
        "PartitionKey": recording_key,
        "RowKey": f"{_ROWS}{at:%Y%m%dT%H%M%S}.{at.microsecond:06d}-{mark[:12]}",
        "at": at,
        "action": entry.action,
        "by": entry.by,
        "details": json.dumps(dict(entry.details)),
    }


class Audit:
    """Written once, read in order."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def add(self, recording_key: str, entry: AuditEntry) -> None:
        with storage_faults("writing to the audit"):
            try:
                await self._table.create_entity(audit_entity(recording_key, entry), **REPEATED)
            except ResourceExistsError:
                return  # ours: the SDK repeats a write whose answer got lost, and nobody else has the mark

    async def history(self, recording_key: str) -> tuple[AuditEntry, ...]:
        """What was done to a recording, oldest first."""
        with storage_faults("reading the audit"):
            rows = self._table.query_entities(
                "PartitionKey eq @key and RowKey ge @first and RowKey lt @end",
                parameters={"key": recording_key, "first": _ROWS, "end": _END},
            )
            return tuple([_entry(row) async for row in rows])


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(at=row["at"], action=row["action"], by=row["by"], details=json.loads(row["details"]))
