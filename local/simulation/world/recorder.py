"""ACS's calls and their recordings, as Call Automation's REST API shows them. No I/O: the time is an argument.

A start with a known Repeatability-Request-ID and the same body gets the answer of the first one; with another body it
is refused. A call has at most one running recording of each kind. A recording ends with its call at the latest, and
ACS then forgets it: requests for it get 404, or 8528 if it ended with its call.
"""

import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.memory.storage.refusals import Response


class How(StrEnum):
    """How ACS carries out a start."""

    AT_ONCE = auto()  # 200
    ACCEPTED = auto()  # 202 with the recordingId
    UNNAMED = auto()  # 202 without it: a callback names the recording
    FAILS = auto()  # 202 with a recordingId, and no recording
    FAILS_UNNAMED = auto()  # 202 without a recordingId, and no recording
    UNANSWERED = auto()  # 500, although the recording begins; a repeated start is answered


class Change(StrEnum):
    """What happened to a recording. ACS reports each to the recording's callback URL."""

    BEGAN = auto()
    FAILED = auto()
    PAUSED = auto()
    RESUMED = auto()
    ENDED = auto()


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call in ACS. `hows` are those of its starts, in order; any further start is carried out at once."""

    name: str
    begins: datetime
    ends: datetime
    hows: tuple[How, ...] = ()
    fails_over: bool = False  # ACS loses track of its recordings, and delivers their files when the call has ended

    @property
    def server_call_id(self) -> str:
        return base64.b64encode(f"https://conv.skype.com/conv/{self.name}".encode()).decode()

    @property
    def connection_id(self) -> str:
        return f"connection-{self.name}"


@dataclass(eq=False, kw_only=True)
class CallRecording:
    """A recording that ACS made, or failed to make. `token` is the Repeatability-Request-ID of its start."""

    recording_id: str
    call: Call
    kind: tuple[str, str]
    token: str
    callback_url: str | None
    began_at: datetime
    is_paused: bool = False
    has_failed: bool = False
    is_named: bool = True  # whether the answer to its start names it
    ended_at: datetime | None = None
    end_reason: str | None = None

    @property
    def runs(self) -> bool:
        return self.ended_at is None and not self.has_failed

    @property
    def state(self) -> str:
        return "active" if self.runs and not self.is_paused else "inactive"


@dataclass(frozen=True, kw_only=True)
class Start:
    """A start request as ACS gets it."""

    token: str
    body: str
    call_name: str | None  # a serverCallId or callConnectionId
    kind: tuple[str, str]
    callback_url: str | None
    paused: bool


@dataclass
class Recorder:
    """All calls and recordings. `changed` is called at each change."""

    calls: tuple[Call, ...] = ()
    recordings: dict[str, CallRecording] = field(default_factory=dict)
    changed: Callable[[CallRecording, Change], None] = lambda _recording, _change: None
    commands: Counter[tuple[str, str]] = field(default_factory=Counter)  # carried out, by recordingId and action
    _answers: dict[str, tuple[str, int, str | None]] = field(
        default_factory=dict
    )  # by token: body, status, recordingId

    def start(self, wanted: Start, now: datetime) -> tuple[int, str | None]:
        """Status and recordingId. Raises the refusals of ACS."""
        if (known := self._answers.get(wanted.token)) is not None:
            if known[0] != wanted.body:
                raise refusal(400, "8523")
            return known[1:]
        call = self._call(wanted.call_name)
        if now < call.begins:
            raise refusal(400, "8501")
        if now >= call.ends:
            raise refusal(400, "8528")
        if any(one.runs and one.kind == wanted.kind for one in self.of_call(call)):
            raise refusal(400, "8553")
        number = len(self.of_call(call))
        how = call.hows[number] if number < len(call.hows) else How.AT_ONCE
        made = CallRecording(
            recording_id=f"{call.name}-rec{number}",
            call=call,
            kind=wanted.kind,
            token=wanted.token,
            callback_url=wanted.callback_url,
            began_at=now,
            is_paused=wanted.paused,
            has_failed=how in (How.FAILS, How.FAILS_UNNAMED),
            is_named=how not in (How.UNNAMED, How.FAILS_UNNAMED, How.UNANSWERED),
        )
        self.recordings[made.recording_id] = made
        named = None if how in (How.UNNAMED, How.FAILS_UNNAMED) else made.recording_id
        status = 200 if how in (How.AT_ONCE, How.UNANSWERED) else 202
        self._answers[wanted.token] = (wanted.body, status, named)
        self.changed(made, Change.FAILED if made.has_failed else Change.BEGAN)
        if how is How.UNANSWERED:
            raise refusal(500, "9999")
        return status, named

    def stop(self, recording_id: str, now: datetime) -> None:
        self._end(self._to_change(recording_id), "InitiatorLeft", now)

    def pause(self, recording_id: str) -> None:
        found = self._to_change(recording_id)
        self.commands[recording_id, "pause"] += 1
        if not found.is_paused:
            found.is_paused = True
            self.changed(found, Change.PAUSED)

    def resume(self, recording_id: str) -> None:
        found = self._to_change(recording_id)
        self.commands[recording_id, "resume"] += 1
        if found.is_paused:
            found.is_paused = False
            self.changed(found, Change.RESUMED)

    def state(self, recording_id: str) -> str:
        found = self.recordings.get(recording_id)
        if found is None or not found.runs or found.call.fails_over:
            raise refusal(404, "8522")
        return found.state

    def end_call(self, call: Call, now: datetime) -> None:
        for one in self.of_call(call):
            if one.runs:
                self._end(one, "CallEnded", now)

    def of_call(self, call: Call) -> list[CallRecording]:
        return [one for one in self.recordings.values() if one.call is call]

    def _end(self, recording: CallRecording, reason: str, now: datetime) -> None:
        recording.ended_at, recording.end_reason = now, reason
        self.changed(recording, Change.ENDED)

    def _to_change(self, recording_id: str) -> CallRecording:
        found = self.recordings.get(recording_id)
        if found is not None and found.end_reason == "CallEnded":
            raise refusal(400, "8528")
        if found is None or not found.runs or found.call.fails_over:
            raise refusal(404, "8522")
        return found

    def _call(self, name: str | None) -> Call:
        found = next((one for one in self.calls if name in (one.server_call_id, one.connection_id)), None)
        if found is None:
            raise refusal(404, "8522")
        return found


@dataclass(frozen=True)
class _WithCode(Response):
    code: str = ""

    def json(self) -> dict[str, object]:
        return {"error": {"code": self.code, "message": "refused by the simulation"}}


def refusal(status: int, code: str) -> HttpResponseError:
    kind = ResourceNotFoundError if status == 404 else HttpResponseError  # noqa: PLR2004 - HTTP's number
    return kind(message=f"{status} {code}", response=_WithCode(status, {}, code))  # type: ignore[arg-type]
