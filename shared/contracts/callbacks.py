"""Call Automation's callbacks, as CloudEvents: those of calls and recordings that move what we know.

Read as leniently as Event Grid's events: ACS may leave ids out, and adds fields at will.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared.contracts.events import UnreadableEvent, event_type
from shared.contracts.fields import Identifier, Utc, Word

_PREFIX = "Microsoft.Communication."


class CallbackKind(StrEnum):
    CALL_CONNECTED = "CallConnected"
    CALL_DISCONNECTED = "CallDisconnected"
    RECORDING_STATE_CHANGED = "RecordingStateChanged"
    START_RECORDING_FAILED = "StartRecordingFailed"


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, hide_input_in_errors=True)


class ResultInformation(_Lenient):
    """Why something came as it did."""

    code: int | None = Field(default=None, ge=-(10**9), le=10**9)
    sub_code: int | None = Field(default=None, ge=-(10**9), le=10**9)
    message: str | None = None


class _Data(_Lenient):
    call_connection_id: Identifier | None = None
    server_call_id: str | None = Field(default=None, max_length=4096, pattern=r"^[\x20-\x7e]*$")
    recording_id: Identifier | None = None
    state: Word | None = None
    start_date_time: Utc | None = None
    result_information: ResultInformation | None = None


class _Envelope(_Lenient):
    id: Identifier
    time: Utc
    data: _Data


class CallbackEvent(BaseModel):
    """One callback."""

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


def callback_kind(envelope: dict[str, Any]) -> CallbackKind | None:
    """Which callback it is; None for one that changes nothing here. Raises UnreadableEvent for one without a type."""
    found = event_type(envelope)
    if not found:
        raise UnreadableEvent("type: is missing")
    named = found.removeprefix(_PREFIX)
    return CallbackKind(named) if named in CallbackKind else None


def read_callback(kind: CallbackKind, envelope: dict[str, Any]) -> CallbackEvent:
    """Raises UnreadableEvent naming the fields at fault."""
    try:
        outer = _Envelope.model_validate(envelope)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        raise UnreadableEvent("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)) from None
    data = outer.data
    if kind is CallbackKind.RECORDING_STATE_CHANGED and not data.recording_id:
        raise UnreadableEvent("data.recordingId: is missing")
    return CallbackEvent(
        kind=kind,
        event_id=outer.id,
        at=outer.time,
        call_connection_id=data.call_connection_id,
        server_call_id=data.server_call_id or None,
        recording_id=data.recording_id,
        state=data.state.lower() if data.state else None,
        started_at=data.start_date_time,
        result=data.result_information,
    )
