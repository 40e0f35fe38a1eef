"""Stored answers by Idempotency-Key: a repeated request gets the answer of the first one.

A row is inserted before the request is sent to ACS, and contains the Repeatability id of that request. If the caller
repeats its request after a crash, the same id is sent again, so ACS carries out the request only once.

Of several repeats only one takes over: its write is conditional on the version that was read (ETag). If the SDK retries
that write because its answer was lost, the token in the row shows that it was our own.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.keys import key_of
from shared.domain.random_source import RandomSource
from shared.gateways.faults import storage_faults
from shared.gateways.tables.retries import REPEATED, Begun

_ROW = "request"
_WRITE = "writeToken"  # the property that holds the token of the latest conditional write


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request with its Idempotency-Key. May be in progress until `busy_until`. `answer` is set when it is done."""

    key: str
    fingerprint: str
    repeatability_id: str
    first_sent: datetime
    busy_until: datetime
    answer: str | None = None
    etag: str | None = field(default=None, compare=False)


class Requests:
    """Requests with an Idempotency-Key."""

    def __init__(self, tables: TableServiceClient, table_name: str, random_source: RandomSource) -> None:
        self._table, self._random_source = tables.get_table_client(table_name), random_source

    async def begin(self, key: str, *, fingerprint: str, now: datetime, busy_until: datetime) -> Begun[Request]:
        """The request with this key."""
        request = Request(
            key=key,
            fingerprint=fingerprint,
            repeatability_id=str(self._random_source.new_id()),
            first_sent=now,
            busy_until=busy_until,
        )
        with storage_faults("storing an Idempotency-Key"):
            try:
                written = await self._table.create_entity(
                    {
                        **_keys(key),
                        "fingerprint": request.fingerprint,
                        "repeatabilityId": request.repeatability_id,
                        "firstSent": request.first_sent,
                        "busyUntil": request.busy_until,
                    },
                    **REPEATED,
                )
            except ResourceExistsError:
                existing = _request(key, await self._table.get_entity(**_lookup(key)))
                # If the SDK retried an insert whose answer was lost, it found our own row.
                return Begun(row=existing, is_new=existing.repeatability_id == request.repeatability_id)
        return Begun(row=replace(request, etag=written["etag"]), is_new=True)

    async def set_busy_until(self, request: Request, until: datetime) -> Request | None:
        """Sets until when the request is in progress. After this time, it may be tried again.

        None, and no change, if another request with this key wrote the row since `request` was read.
        """
        token = self._random_source.new_id().hex
        entity = {**_keys(request.key), "busyUntil": until, _WRITE: token}
        condition: dict[str, Any] = {"etag": request.etag, "match_condition": MatchConditions.IfNotModified}
        with storage_faults("continuing a request with an Idempotency-Key"):
            try:
                written = await self._table.update_entity(entity, mode=UpdateMode.MERGE, **condition, **REPEATED)
            except ResourceModifiedError:
                row = await self._table.get_entity(**_lookup(request.key))
                return _request(request.key, row) if row.get(_WRITE) == token else None
        return replace(request, busy_until=until, etag=written["etag"])

    async def store_answer(self, key: str, answer: str) -> None:
        with storage_faults("storing the answer for an Idempotency-Key"):
            # Never an insert: if the row just expired, it would be created again without the values of `begin`.
            await self._table.update_entity({**_keys(key), "answer": answer}, mode=UpdateMode.MERGE, **REPEATED)


def _keys(key: str) -> dict[str, Any]:
    return {"PartitionKey": key_of(key), "RowKey": _ROW}


def _lookup(key: str) -> dict[str, str]:
    return {"partition_key": key_of(key), "row_key": _ROW}


def _request(key: str, row: Any) -> Request:
    return Request(
        key=key,
        fingerprint=row["fingerprint"],
        repeatability_id=row["repeatabilityId"],
        first_sent=row["firstSent"],
        busy_until=row["busyUntil"],
        answer=row.get("answer"),
        etag=row.metadata["etag"],
    )
