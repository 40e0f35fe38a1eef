"""Starts, by the id that their state callback's URL carries.

A row is written before the start is sent to ACS. It contains the caller's request and what the settings of that moment
added to it, so that a repeated start reaches ACS with the same body. Once the catalogue has the recording, the row
contains only the recording's id. Rows expire after 30 days.

The callback URL is stored as it was sent. Its signature was made with CALLBACK_SECRET, from which the secret can't be
derived, and admits callbacks of this one start only, if they also have a token of ACS.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient
from pydantic import TypeAdapter

from shared.domain.records import AuditEntry, Recording
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.retries import REPEATED, Begun

_ROW, _PARTITION = "start", "start-"
_CALLBACK_URL = "callbackUrl"  # empty if the start was sent without a URL of Callvault
_recording: TypeAdapter[Recording] = TypeAdapter(Recording)
_entry: TypeAdapter[AuditEntry] = TypeAdapter(AuditEntry)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A start that was sent to ACS, and its outcome as far as ACS has reported it.

    `callback_url` is None if the start has none of Callvault's, and in rows of older versions. `is_whole`: the row has
    everything that was sent.
    """

    start_id: str
    asked: Recording | None = None  # what was requested; without its id, which isn't known yet
    entry: AuditEntry | None = None
    callback_url: str | None = field(default=None, repr=False)
    is_whole: bool = False
    stored_at: datetime | None = None  # only in a listing
    recording_id: str | None = None
    failure: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether ACS reported its recording or its failure."""
        return self.recording_id is not None or self.failure is not None


class Starts:
    """The rows of starts, with the request or its outcome."""

    def __init__(self, tables: TableServiceClient, table_name: str) -> None:
        self._table = tables.get_table_client(table_name)

    async def begin(
        self, start_id: str, asked: Recording, entry: AuditEntry, callback_url: str | None = None
    ) -> Begun[Start]:
        """Stores a start before it is sent to ACS.

        If the start is sent again, the existing row stays unchanged. If the SDK retried an insert whose answer was
        lost, the row counts as an existing one.
        """
        entity = {
            **_keys(start_id),
            "asked": _recording.dump_json(asked, exclude_none=True).decode(),
            "entry": _entry.dump_json(entry).decode(),
            _CALLBACK_URL: callback_url or "",
        }
        with storage_faults("storing a start"):
            try:
                await self._table.create_entity(entity, **REPEATED)
            except ResourceExistsError:
                return Begun(row=_start(await self._table.get_entity(**_lookup(start_id))), is_new=False)
        start = Start(start_id=start_id, asked=asked, entry=entry, callback_url=callback_url, is_whole=True)
        return Begun(row=start, is_new=True)

    async def find(self, start_id: str) -> Start | None:
        with storage_faults("looking up a start"):
            try:
                return _start(await self._table.get_entity(**_lookup(start_id)))
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None

    async def open(self, *, before: datetime) -> AsyncIterator[Start]:
        """The starts without an outcome that were stored before `before`."""
        with storage_faults("listing starts"):
            rows = self._table.query_entities(
                "PartitionKey ge @first and PartitionKey lt @end and Timestamp lt @before and asked gt ''",
                parameters={"first": _PARTITION, "end": _PARTITION[:-1] + ".", "before": before},
            )
            async for row in rows:
                yield replace(_start(row), stored_at=row.metadata["timestamp"])

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
                await self._table.delete_entity(f"{_PARTITION}{start_id}", _ROW)
            except ResourceNotFoundError:
                return


def _keys(start_id: str) -> dict[str, Any]:
    return {"PartitionKey": f"{_PARTITION}{start_id}", "RowKey": _ROW}


def _lookup(start_id: str) -> dict[str, str]:
    return {"partition_key": f"{_PARTITION}{start_id}", "row_key": _ROW}


def _start(row: Any) -> Start:
    return Start(
        start_id=row["PartitionKey"].removeprefix(_PARTITION),
        asked=_recording.validate_json(row["asked"]) if "asked" in row else None,
        entry=_entry.validate_json(row["entry"]) if "entry" in row else None,
        callback_url=row.get(_CALLBACK_URL) or None,
        is_whole=_CALLBACK_URL in row,
        recording_id=row.get("recordingId"),
        failure=row.get("failure"),
    )
