"""Records a call that exists, and follows the recording until its files are archived and its sources deleted.

The recording starts at ACS directly, as one by another application: so the trial needs no write to the tables, and it
tests the event subscription as well.
"""

import json
from collections.abc import Callable
from datetime import timedelta

from shared.contracts.http.start_request import parse_start
from shared.domain.clock import Clock
from shared.domain.files.deletion_rule import reason_to_keep
from shared.domain.keys import key_of
from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk
from shared.domain.repeatability import Repeatability
from shared.domain.states import IN_TROUBLE, SAFE, ChunkState
from shared.errors import CallNotRecordable, CallvaultError, InvalidRequest, NotFound
from shared.gateways.acs.recorder import CallRecorder
from shared.gateways.tables.catalogue import Catalogue
from shared.operations.doctor.findings import Finding, Level, ok

CHECK = "test recording"
_RECORDED_SECONDS = 20.0
_PATIENCE = timedelta(minutes=30)  # ACS reports files some minutes after the end
_POLL_SECONDS = 10.0
_NO_EVENT = (
    "no event about its files reached the app in 30 minutes: check the event subscription of the ACS resource's system "
    "topic, and the container of dead letters"
)
_SLOW = "follow the runbook docs/operations.md#chunk-near-deadline"


class Trial:
    """One recording of 20 seconds. `report` gets a sentence about each step."""

    def __init__(
        self, recorder: CallRecorder, catalogue: Catalogue, clock: Clock, report: Callable[[str], None]
    ) -> None:
        self._recorder, self._catalogue, self._clock, self._report = recorder, catalogue, clock, report

    async def run(self, server_call_id: str, *, delete_source: bool) -> list[Finding]:
        """Records the call and follows the recording. Its media stay in the archive as those of any other."""
        try:
            recording_id = await self._record(server_call_id)
        except CallvaultError as error:
            fix = "check that the call is connected and that this is its serverCallId"
            if not isinstance(error, CallNotRecordable | InvalidRequest | NotFound):
                fix = "see the doctor's other findings about ACS"
            return [_failure(f"didn't start or stop: {error}", fix)]
        return await self._follow(recording_id, delete_source=delete_source)

    async def _record(self, server_call_id: str) -> str:
        repeatability = Repeatability(request_id=str(RandomSource().new_id()), first_sent=self._clock.now())
        request = parse_start(json.dumps({"serverCallId": server_call_id}).encode())
        started = await self._recorder.start(request, repeatability)
        if started.recording_id is None:
            raise CallNotRecordable("ACS accepted the start without naming the recording")
        self._report(f"records the call for {_RECORDED_SECONDS:.0f} seconds: recordingId {started.recording_id}")
        await self._clock.sleep(_RECORDED_SECONDS)
        await self._recorder.stop(started.recording_id)
        self._report("the recording is stopped; ACS takes some minutes to report its files")
        return started.recording_id

    async def _follow(self, recording_id: str, *, delete_source: bool) -> list[Finding]:
        wanted = frozenset({ChunkState.RELEASED}) if delete_source else SAFE
        until, shown = self._clock.now() + _PATIENCE, ""
        while True:
            _, chunks = await self._catalogue.recording(key_of(recording_id))
            states = ", ".join(chunk.state for chunk in chunks)
            if states != shown:
                self._report(f"its chunks: {states}")
                shown = states
            if chunks and all(chunk.state in wanted for chunk in chunks):
                return [ok(CHECK, f"is archived: {states}")]
            reasons = [reason for chunk in chunks if (reason := _trouble(chunk, wanted))]
            if reasons:
                return [_failure(f"is {states}: {reasons[0]}", "docs/failures.md explains each reason")]
            if self._clock.now() >= until:
                if not chunks:
                    return [_failure("has no files", _NO_EVENT)]
                reason = next((chunk.reason for chunk in chunks if chunk.reason), "no attempt has failed")
                return [_failure(f"is still {states}: {reason}", _SLOW)]
            await self._clock.sleep(_POLL_SECONDS)


def _trouble(chunk: Chunk, wanted: frozenset[ChunkState]) -> str | None:
    """Why a chunk never gets into a wanted state by itself."""
    if chunk.state in IN_TROUBLE:
        return chunk.reason or chunk.missing
    keep = reason_to_keep(chunk) if chunk.state is ChunkState.ARCHIVED and chunk.state not in wanted else None
    return keep.failure.detail if keep is not None else None


def _failure(detail: str, fix: str) -> Finding:
    return Finding(check=CHECK, level=Level.FAILURE, detail=detail, fix=fix)
