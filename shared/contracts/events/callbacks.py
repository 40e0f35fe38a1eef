"""Call Automation's callbacks, as CloudEvents: those about calls and recordings that Callvault uses.

The required fields are parsed strictly: the kind, and the recording or call. Every other field is parsed independently,
and counts as unknown if it is invalid. The first callback of every recording has .NET's "no time" (0001-01-01) as its
start, which isn't worth a warning.
"""

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.contracts import lenient_json
from shared.contracts.events.recording_event import UnreadableEvent, event_type
from shared.contracts.lenient_json import Members

_PREFIX = "Microsoft.Communication."
_LARGEST_CODE = 10**9
_NO_TIME = datetime.min.replace(tzinfo=UTC)


class CallbackKind(StrEnum):
    CALL_CONNECTED = "CallConnected"
    CALL_DISCONNECTED = "CallDisconnected"
    RECORDING_STATE_CHANGED = "RecordingStateChanged"
    START_RECORDING_FAILED = "StartRecordingFailed"


_OF_RECORDINGS = frozenset({CallbackKind.RECORDING_STATE_CHANGED, CallbackKind.START_RECORDING_FAILED})


class ResultInformation(BaseModel):
    """The reason of a result."""

    model_config = ConfigDict(frozen=True)

    code: int | None
    sub_code: int | None


class CallbackEvent(BaseModel):
    """One callback. `unknown` has the paths of invalid fields."""

    model_config = ConfigDict(frozen=True)

    kind: CallbackKind
    event_id: str
    at: datetime
    call_connection_id: str | None
    server_call_id: str | None
    recording_id: str | None
    state: str | None
    started_at: datetime | None
    result: ResultInformation | None
    unknown: tuple[str, ...] = ()


def callback_kind(envelope: dict[str, Any]) -> CallbackKind | None:
    """The kind of a callback; None for kinds that Callvault ignores. Raises UnreadableEvent if there is no type."""
    found = event_type(envelope)
    if not found:
        raise UnreadableEvent("type: is missing")
    named = found.removeprefix(_PREFIX)
    return CallbackKind(named) if named in CallbackKind else None


def read_callback(kind: CallbackKind, envelope: dict[str, Any], received_at: datetime) -> CallbackEvent:
    """Raises UnreadableEvent, which names the missing or invalid required field.

    The default of the time is `received_at`, and the default of the ID is a digest of the callback.
    """
    outer = Members(envelope)
    data = outer.inner("data")
    recording_id = data.read("recordingId", lenient_json.identifier)
    if kind is CallbackKind.RECORDING_STATE_CHANGED and recording_id is None:
        raise UnreadableEvent("data.recordingId: is missing or invalid")
    server_call_id = data.read("serverCallId", lenient_json.address)
    if kind is CallbackKind.CALL_CONNECTED and {"data", "data.serverCallId"} & set(outer.unknown):
        raise UnreadableEvent("data.serverCallId: is invalid")
    # In callbacks about recordings, this is the recorder's connection, not the call's.
    connection = None if kind in _OF_RECORDINGS else data.read("callConnectionId", lenient_json.identifier)
    started_at = data.read("startDateTime", _start)
    return CallbackEvent(
        kind=kind,
        event_id=outer.read("id", lenient_json.identifier) or _digest(envelope),
        at=outer.read("time", lenient_json.moment) or received_at,
        call_connection_id=connection,
        server_call_id=server_call_id,
        recording_id=recording_id,
        state=(data.read("state", lenient_json.word) or "").lower() or None,
        started_at=None if started_at == _NO_TIME else started_at,
        result=_result(data),
        unknown=tuple(outer.unknown),
    )


def _result(data: Members) -> ResultInformation | None:
    if data.read("resultInformation", lenient_json.mapping) is None:
        return None
    found = data.inner("resultInformation")
    return ResultInformation(code=found.read("code", _code), sub_code=found.read("subCode", _code))


def _start(value: Any) -> datetime | None:
    if isinstance(value, str) and (not value.strip() or value.strip().startswith("0001-01-01")):
        return _NO_TIME
    return lenient_json.moment(value)


def _code(value: Any) -> int | None:
    found = lenient_json.whole(value)
    return found if found is not None and abs(found) <= _LARGEST_CODE else None


def _digest(envelope: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(envelope, sort_keys=True).encode()).hexdigest()[:32]
