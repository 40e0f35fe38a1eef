"""Call Automation's callbacks, as CloudEvents: those of calls and recordings that change what we know.

What a callback is needed for is read strictly: its kind, and the recording or call that it is about. Every other field
is read by itself, and is unknown when it is absent, null, empty, of another type, out of range, or .NET's "no time"
(0001-01-01), which the first callback of every recording has.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.contracts.events import UnreadableEvent, event_type

_PREFIX = "Microsoft.Communication."
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_LONGEST_ID, _LONGEST_CALL_ID, _LONGEST_WORD = 1024, 4096, 256
_LARGEST_CODE = 10**9
_FIRST_YEAR, _LAST_YEAR = 1601, 9000  # a table's times begin with 1601
_NO_TIME = "0001-01-01"


class CallbackKind(StrEnum):
    CALL_CONNECTED = "CallConnected"
    CALL_DISCONNECTED = "CallDisconnected"
    RECORDING_STATE_CHANGED = "RecordingStateChanged"
    START_RECORDING_FAILED = "StartRecordingFailed"


class ResultInformation(BaseModel):
    """Why something came as it did."""

    model_config = ConfigDict(frozen=True)

    code: int | None
    sub_code: int | None


class CallbackEvent(BaseModel):
    """One callback. `unreadable` names the fields that were there and could not be read."""

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
    unreadable: tuple[str, ...] = ()


def callback_kind(envelope: dict[str, Any]) -> CallbackKind | None:
    """Which callback it is; None for one that changes nothing here. Raises UnreadableEvent for one without a type."""
    found = event_type(envelope)
    if not found:
        raise UnreadableEvent("type: is missing")
    named = found.removeprefix(_PREFIX)
    return CallbackKind(named) if named in CallbackKind else None


def read_callback(kind: CallbackKind, envelope: dict[str, Any], received_at: datetime) -> CallbackEvent:
    """Raises UnreadableEvent naming the field that is needed and isn't there, or can't be read.

    A callback without a readable time has the one at which it was received; one without an id, a digest of itself.
    """
    data = _Fields(envelope.get("data"), "data.")
    outer = _Fields(envelope, "")
    result = _Fields(data.given("resultInformation"), "data.resultInformation.")
    event = CallbackEvent(
        kind=kind,
        event_id=outer.text("id", _LONGEST_ID) or _digest(envelope),
        at=outer.time("time") or received_at,
        # In callbacks of recordings this is the recorder's own connection, and not the call's.
        call_connection_id=None if kind in _OF_RECORDINGS else data.text("callConnectionId", _LONGEST_ID),
        server_call_id=data.text("serverCallId", _LONGEST_CALL_ID),
        recording_id=data.text("recordingId", _LONGEST_ID),
        state=(data.text("state", _LONGEST_WORD) or "").lower() or None,
        started_at=data.time("startDateTime"),
        result=ResultInformation(code=result.code("code"), sub_code=result.code("subCode")) if result.found else None,
    )
    unreadable = (*outer.unreadable, *data.unreadable, *result.unreadable)
    if kind is CallbackKind.RECORDING_STATE_CHANGED and event.recording_id is None:
        raise UnreadableEvent("data.recordingId: is missing, or can't be read")
    if kind is CallbackKind.CALL_CONNECTED and "data.serverCallId" in unreadable:
        raise UnreadableEvent("data.serverCallId: can't be read")
    return event.model_copy(update={"unreadable": unreadable})


_OF_RECORDINGS = frozenset({CallbackKind.RECORDING_STATE_CHANGED, CallbackKind.START_RECORDING_FAILED})


class _Fields:
    """The fields of one object of a callback, each read by itself."""

    def __init__(self, found: Any, path: str) -> None:
        self.found: dict[str, Any] = found if isinstance(found, dict) else {}
        self.unreadable: list[str] = [] if found is None or isinstance(found, dict) else [path.rstrip(".")]
        self._path = path

    def given(self, name: str) -> Any:
        return self.found.get(name)

    def text(self, name: str, longest: int) -> str | None:
        value = self.found.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and len(value) <= longest and _PRINTABLE.fullmatch(value):
            return value
        self._unreadable(name)
        return None

    def time(self, name: str) -> datetime | None:
        value = self.found.get(name)
        if value is None or value == "" or (isinstance(value, str) and value.startswith(_NO_TIME)):
            return None
        try:
            parsed = datetime.fromisoformat(value)
            moment = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
            if _FIRST_YEAR < moment.year < _LAST_YEAR:
                return moment
        except (TypeError, ValueError, OverflowError):
            pass
        self._unreadable(name)
        return None

    def code(self, name: str) -> int | None:
        value = self.found.get(name)
        if value is None or value == "":
            return None
        try:
            number = int(value)
            if not isinstance(value, bool) and abs(number) <= _LARGEST_CODE:
                return number
        except (TypeError, ValueError, OverflowError):
            pass
        self._unreadable(name)
        return None

    def _unreadable(self, name: str) -> None:
        self.unreadable.append(self._path + name)


def _digest(envelope: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(envelope, sort_keys=True).encode()).hexdigest()[:32]
