"""Starts, by the id that their state callback's URL carries.

A row is written before the start is sent to ACS, and contains the caller's request. Once the catalogue has the
recording, the row contains only the recording's id. If the start had no callback URL, the row is removed then. Rows
expire after 30 days.
"""

from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient
from pydantic import TypeAdapter

from shared.domain.records import AuditEntry, Recording
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.retries import REPEATED

_ROW = "start"
_recording: TypeAdapter[Recording] = TypeAdapter(Recording)
_entry: TypeAdapter[AuditEntry] = TypeAdapter(AuditEntry)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A start that was sent to ACS, and its outcome as far as ACS has reported it."""

    start_id: str
    asked: Recording | None = None  # what was requested; without its id, which isn't known yet
    entry: AuditEntry | None = None
    recording_id: str | None = None
    failure: str | None = None


class Starts:
    """The rows of starts, with the request or its outcome."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def begin(self, start_id: str, asked: Recording, entry: AuditEntry) -> bool:
        """Stores a start before it is sent to ACS, and returns whether its row is new.

        If the start is sent again, the existing row stays unchanged. If the SDK retried an insert whose answer was
        lost, the row counts as an existing one.
        """
        entity = {
            **_keys(start_id),
            "asked": _recording.dump_json(asked, exclude_none=True).decode(),
            "entry": _entry.dump_json(entry).decode(),
        }
        with storage_faults("storing a start"):
            try:
                await self._table.create_entity(entity, **REPEATED)
            except ResourceExistsError:
                return False
        return True

    async def find(self, start_id: str) -> Start | None:
        with storage_faults("looking up a start"):
            try:
                row: Any = await self._table.get_entity(f"start-{start_id}", _ROW)
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None
        return Start(
            start_id=start_id,
            asked=_recording.validate_json(row["asked"]) if "asked" in row else None,
            entry=_entry.validate_json(row["entry"]) if "entry" in row else None,
            recording_id=row.get("recordingId"),
            failure=row.get("failure"),
        )

    async def record_outcome(
        self, start_id: str, *, recording_id: str | None = None, failure: str | None = None
    ) -> None:
        """Replaces the request in the row with its outcome."""
        outcome = {"recordingId": recording_id, "failure": failure}
        entity = {**_keys(start_id), **{name: value for name, value in outcome.items() if value is not None}}
        with storage_faults("storing the outcome of a start"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def remove(self, start_id: str) -> None:
        with storage_faults("removing a start"):
            try:
                await self._table.delete_entity(f"start-{start_id}", _ROW)
            except ResourceNotFoundError:
                return


def _keys(start_id: str) -> dict[str, Any]:
    return {"PartitionKey": f"start-{start_id}", "RowKey": _ROW}
