"""Claims on calls that are recorded automatically: one row per call, inserted once, however many events name the call.

The row has everything that the start needs, and the Repeatability id that is sent to ACS. After a crash, another worker
can therefore send the same request again. A finished claim is kept for 30 days, so that a late repetition of the event
finds it.

If the SDK retries a write whose answer was lost, the retry is refused because of our own first try. Each write has its
own token in the row, so that it can be recognized.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from shared.domain.keys import key_of
from shared.domain.random_source import RandomSource
from shared.gateways.faults import is_absent, storage_faults
from shared.gateways.tables.retries import REPEATED, Begun

_ROW = "claim"
_RULE = "AUTO_RECORD"
_WRITE = "writeToken"  # the property that holds the token of the latest write


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The claim on one call. `body` is the start request as JSON. `outcome` is set once nothing is left to do."""

    call_key: str
    trigger: str
    by: str  # who started it, for the audit entry
    body: str
    repeatability_id: str
    first_sent: datetime
    busy_until: datetime
    attempts: int = 0
    restarts: int = 0  # starts that ACS accepted but couldn't carry out
    reported: bool = False  # an error was logged because the call isn't recorded yet
    outcome: str | None = None
    etag: str | None = field(default=None, compare=False)

    @property
    def start_id(self) -> str:
        """The id of the start in the URL of its state callback."""
        return key_of(self.repeatability_id)


class Claims:
    """Claims on calls: only the owner of a claim starts the recording."""

    def __init__(self, tables: TableServiceClient, table_name: str, random_source: RandomSource) -> None:
        self._table, self._random_source = tables.get_table_client(table_name), random_source

    async def begin(self, claim: Claim) -> Begun[Claim]:
        """The claim on this call."""
        token = self._random_source.new_id().hex
        with storage_faults("claiming a call"):
            try:
                written = await self._table.create_entity(_entity(claim, token), **REPEATED)
            except ResourceExistsError:
                row = await self._table.get_entity(_partition(claim.call_key), _ROW)
                return Begun(row=_claim(row), is_new=row.get(_WRITE) == token)
        return Begun(row=replace(claim, etag=written["etag"]), is_new=True)

    async def find(self, call_key: str) -> Claim | None:
        with storage_faults("looking up a call's claim"):
            try:
                return _claim(await self._table.get_entity(_partition(call_key), _ROW))
            except ResourceNotFoundError as error:
                if not is_absent(error):
                    raise
                return None

    async def write(self, claim: Claim) -> Claim | None:
        """Writes a claim if its row has the version that was read. None if another worker wrote it, and owns it now."""
        token = self._random_source.new_id().hex
        condition: dict[str, Any] = {"etag": claim.etag, "match_condition": MatchConditions.IfNotModified}
        with storage_faults("writing a call's claim"):
            try:
                written = await self._table.update_entity(_entity(claim, token), mode=UpdateMode.REPLACE, **condition)
            except ResourceModifiedError:
                row = await self._table.get_entity(_partition(claim.call_key), _ROW)
                return _claim(row) if row.get(_WRITE) == token else None
        return replace(claim, etag=written["etag"])


def _partition(call_key: str) -> str:
    return f"auto-{call_key}"


def _entity(claim: Claim, token: str) -> dict[str, Any]:
    entity = {
        "PartitionKey": _partition(claim.call_key),
        "RowKey": _ROW,
        "trigger": claim.trigger,
        "by": claim.by,
        "body": claim.body,
        "repeatabilityId": claim.repeatability_id,
        "firstSent": claim.first_sent,
        "busyUntil": claim.busy_until,
        "attempts": claim.attempts,
        "restarts": claim.restarts,
        "reported": claim.reported,
        _WRITE: token,
    }
    return entity if claim.outcome is None else {**entity, "outcome": claim.outcome}


def _claim(row: Any) -> Claim:
    return Claim(
        call_key=row["PartitionKey"].removeprefix("auto-"),
        trigger=row["trigger"],
        by=row.get("by", _RULE),  # rows of earlier versions have no such property
        body=row["body"],
        repeatability_id=row["repeatabilityId"],
        first_sent=row["firstSent"],
        busy_until=row["busyUntil"],
        attempts=row["attempts"],
        restarts=row["restarts"],
        reported=row.get("reported", False),  # rows of earlier versions have no such property
        outcome=row.get("outcome"),
        etag=row.metadata["etag"],
    )
