"""Stored answers by Idempotency-Key: a repeated request gets the answer of the first one.

A row is inserted before the request is sent to ACS, and contains the Repeatability id of that request. If the caller
repeats its request after a crash, the same id is sent again, so ACS carries out the request only once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.chance import Chance
from shared.domain.keys import key_of
from shared.gateways.faults import storage_faults
from shared.gateways.tables.retries import REPEATED

_ROW = "request"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request with its Idempotency-Key. May be in progress until `busy_until`. `answer` is set when it is done."""

    key: str
    fingerprint: str
    repeatability_id: str
    first_sent: datetime
    busy_until: datetime
    answer: str | None = None


class Requests:
    """Requests with an Idempotency-Key."""

    def __init__(self, tables: TableServiceClient, table_name: str, chance: Chance) -> None:
        self._table, self._chance = tables.get_table_client(table_name), chance

    async def begin(self, key: str, *, fingerprint: str, now: datetime, busy_until: datetime) -> tuple[Request, bool]:
        """The request with this key, and whether it is new."""
        request = Request(
            key=key,
            fingerprint=fingerprint,
            repeatability_id=str(self._chance.new_id()),
            first_sent=now,
            busy_until=busy_until,
        )
        with storage_faults("storing an Idempotency-Key"):
            try:
                await self._table.create_entity(
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
                return existing, existing.repeatability_id == request.repeatability_id
        return request, True

    async def set_busy_until(self, key: str, until: datetime) -> None:
        """Sets until when the request is in progress. After this time, it may be tried again."""
        await self._merge(key, {"busyUntil": until})

    async def store_answer(self, key: str, answer: str) -> None:
        await self._merge(key, {"answer": answer})

    async def _merge(self, key: str, properties: dict[str, Any]) -> None:
        with storage_faults("storing the answer for an Idempotency-Key"):
            # Never an insert: if the row just expired, it would be created again without the values of `begin`.
            await self._table.update_entity({**_keys(key), **properties}, mode=UpdateMode.MERGE, **REPEATED)


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
    )
