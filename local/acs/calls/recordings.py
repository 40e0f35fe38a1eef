"""The life of a recording: started on a call, paused, resumed, stopped, and converted to the files of its chunks.

A call has at most one running recording of each type. As in the real service, a stopped recording is forgotten: all
requests for it get 404. A request to change a recording that ended with its call is refused, because the call is
terminated.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.acs import identifiers
from local.acs.calls.calls import Call, Participant
from local.acs.calls.start_request import StartRequest, already_recording
from local.acs.calls.timeline import Timeline
from local.acs.errors import ControlError, call_terminated, recording_not_found
from local.acs.media.documents import Documents
from local.acs.times import acs_time, acs_time_or_none, now

CALL_ENDED = "CallEnded"


@dataclass(kw_only=True)
class Recording:
    call: Call
    request: StartRequest
    timeline: Timeline
    recording_id: str = field(default_factory=identifiers.new_recording_id)
    began_at: datetime = field(default_factory=now)
    ended_at: datetime | None = None
    session_end_reason: str | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the files of an ended recording exist."""
    failure: str | None = None
    announced_early: bool = False
    """Whether the event was published before the answer to the start request. It isn't published again."""

    @property
    def state(self) -> str:
        """`inactive` while paused, because ACS has no third state."""
        return "inactive" if self.ended_at or self.timeline.paused else "active"

    @property
    def kind(self) -> tuple[str, str]:
        return (self.request.content, self.request.channel)

    @property
    def duration_ms(self) -> int:
        return sum(span.duration_ms for span in self.timeline.spans(self.ended_at or now()))

    def speakers(self) -> list[Participant]:
        return self.call.present_between(self.began_at, self.ended_at or now())

    def as_acs_answer(self) -> dict[str, str]:
        return {
            "recordingId": self.recording_id,
            "recordingState": self.state,
            "recordingKind": "azureCommunicationServices",
        }

    def channels(self) -> dict[str, int]:
        """Each participant's channel in an unmixed recording: as requested, else in the order of joining."""
        if self.request.channel != "unmixed":
            return {}
        wanted = {
            one.participant.participant_id: one.channel
            for one in self.request.channel_affinity
            if one.channel is not None
        }
        ordering = [one.participant_id for one in self.request.audio_channel_participant_ordering]
        affine = [one.participant.participant_id for one in self.request.channel_affinity]
        free = [channel for channel in range(5) if channel not in wanted.values()]
        for participant_id in [*ordering, *affine, *(one.participant_id for one in self.speakers())]:
            if participant_id not in wanted and free:
                wanted[participant_id] = free.pop(0)
        return wanted


class Recordings:
    """`on_begun` is called for each start, `on_changed` for each later change of state.

    `on_ended` runs in the background once for each recording that ends. It creates the files and publishes the event.
    """

    def __init__(
        self,
        documents: Documents,
        *,
        on_begun: Callable[[Recording], None],
        on_changed: Callable[[Recording], None],
        on_ended: Callable[[Recording], Coroutine[Any, Any, None]],
    ) -> None:
        self._documents = documents
        self._on_begun = on_begun
        self._on_changed = on_changed
        self._on_ended = on_ended
        self._recordings: dict[str, Recording] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def all(self) -> list[Recording]:
        return list(self._recordings.values())

    def start(self, call: Call, request: StartRequest) -> Recording:
        moment = now()
        recording = Recording(
            call=call, request=request, timeline=Timeline(origin=moment, chunk_seconds=call.traits.chunk_seconds)
        )
        if any(other.kind == recording.kind for other in self._running(call)):
            raise already_recording()
        if request.pause_on_start:
            recording.timeline.pause(moment)
        self._recordings[recording.recording_id] = recording
        self._on_begun(recording)
        return recording

    def pause(self, recording: Recording) -> None:
        """Pausing a paused recording changes nothing."""
        if not recording.timeline.paused:
            recording.timeline.pause(now())
            self._on_changed(recording)

    def resume(self, recording: Recording) -> None:
        if recording.timeline.paused:
            recording.timeline.resume(now())
            self._on_changed(recording)

    def running(self, recording_id: str) -> Recording:
        """The recording as ACS finds it. Raises the 404 of a recording that has ended."""
        recording = self._recordings.get(recording_id)
        if recording is None or recording.ended_at is not None:
            raise recording_not_found()
        return recording

    def to_change(self, recording_id: str) -> Recording:
        """The recording to stop, pause or resume. Refused as terminated if it ended with its call."""
        recording = self._recordings.get(recording_id)
        if recording is not None and recording.session_end_reason == CALL_ENDED:
            raise call_terminated()
        return self.running(recording_id)

    def known(self, recording_id: str) -> Recording | None:
        return self._recordings.get(recording_id)

    def get(self, recording_id: str) -> Recording:
        """The recording in any state, for the control API."""
        try:
            return self._recordings[recording_id]
        except KeyError:
            raise ControlError(404, "no such recording") from None

    def stop(self, recording: Recording, reason: str) -> None:
        recording.ended_at = now()
        recording.session_end_reason = reason
        self._on_changed(recording)
        task = asyncio.create_task(self._on_ended(recording))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def stop_all_of(self, call: Call) -> None:
        for recording in self._running(call):
            self.stop(recording, CALL_ENDED)

    async def close(self) -> None:
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def described(self, recording: Recording) -> dict[str, Any]:
        """Waits for the files of a recording that has ended."""
        if recording.ended_at is not None:
            await recording.finished.wait()
        moment = recording.ended_at or now()
        documents = self._documents.of(recording.recording_id)
        return {
            **recording.as_acs_answer(),
            "callId": recording.call.call_id,
            "serverCallId": recording.call.server_call_id,
            "contentType": recording.request.content,
            "channelType": recording.request.channel,
            "formatType": recording.request.media_format,
            "paused": recording.timeline.paused,
            "startedAt": acs_time(recording.timeline.origin),
            "endedAt": acs_time_or_none(recording.ended_at),
            "durationMs": recording.duration_ms,
            "pauses": [
                {"startTime": acs_time(pause.started), "duration": pause.duration_ms}
                for pause in recording.timeline.pauses(moment)
            ],
            "sessionEndReason": recording.session_end_reason,
            "failure": recording.failure,
            "chunks": [await document.described() for document in documents],
        }

    def _running(self, call: Call) -> list[Recording]:
        return [one for one in self._recordings.values() if one.call is call and one.ended_at is None]
