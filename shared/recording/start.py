"""Starts recordings, and links each request to the recording that ACS starts for it.

        request stored ──> ACS ──> worklist ──> ledger and audit ──> links of the call ──> request closed
              1             2         3                4                    5                     6

1 stores the request, its consent, and what the settings add to it, before anybody is recorded. A repeated start reaches
ACS with the same body, even if the settings have changed since. The callback URL names the start, so a callback can do
3 to 6 after a crash, and for a start that ACS accepted without naming the recording.
4 is one transaction, with an audit entry that a start can have only once. If the start and a callback both write it,
the second write changes nothing.
6 replaces the stored request by the recording's id, so that a later callback at the same URL can't report another
recording, and a repeated start gets its recording without asking ACS. If ACS refuses the start, the stored request is
removed, unless an earlier try of the same start had no clear answer: its recording may run.

After a crash between 2 and 4 without callbacks, the recording's file event adds the row to the ledger, and a caller
that repeats the start with the same Idempotency-Key gets the same recording.
"""

from contextlib import suppress

from shared.bookkeeping.writers import Writers
from shared.contracts.http.recording_view import StartedView
from shared.contracts.http.start_request import StartRecording
from shared.domain.clock import Clock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Recording
from shared.domain.repeatability import Repeatability
from shared.domain.states import RUNNING, RecordingState
from shared.domain.work_item import WorkItem
from shared.errors import (
    AlreadyRecording,
    ApplicationForbidden,
    CallerError,
    CallNotRecordable,
    CallvaultError,
    DestinationError,
    NotSupported,
    SourceRefused,
    SourceThrottled,
    SourceUnauthorized,
)
from shared.gateways.acs.recorder import Started
from shared.gateways.bundle import Gateways
from shared.gateways.tables.retries import Begun
from shared.gateways.tables.starts import Start
from shared.observability.logs import logger
from shared.recording.start_order import StartOrder, StartOrders
from shared.recording.unwritten_audit import reported_if_unwritten
from shared.settings.settings import Settings

log = logger("starting")

_PAUSES = (1.0, 3.0)  # seconds before each further try to write the ledger; the caller waits meanwhile
# Errors after which ACS has started nothing. A refusal that Callvault doesn't know isn't clear enough.
_REFUSALS = (
    CallerError,
    ApplicationForbidden,
    CallNotRecordable,
    NotSupported,
    SourceThrottled,
    SourceUnauthorized,
)


class Starting:
    """Starts recordings and writes them to the ledger."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._orders = StartOrders(clock, settings)
        self._recorder, self._catalogue = gateways.recorder, gateways.catalogue
        self._links, self._starts = gateways.links, gateways.starts
        self._clock, self._settings = clock, settings

    async def start(
        self, request: StartRecording, repeatability: Repeatability, *, by: str, trigger: str | None = None
    ) -> StartedView:
        """Starts a recording; `trigger` is what started it automatically.

        Raises ConsentRequired, InvalidRequest, NotFound, Conflict, or a SourceError when ACS fails. AlreadyRecording
        names the running recording if the ledger knows it.
        """
        order = self._orders.of(request, repeatability, by=by, trigger=trigger)
        begun = await self._starts.begin(order.start_id, order.asked, order.entry, order.callback_url)
        if begun.row.has_ended:
            return await self.became(_accepted(order))
        order = order.as_stored(begun.row)
        started = await self._send(order, repeatability, begun)
        state = RecordingState.STARTING
        if started.running:
            state = RecordingState.PAUSED if order.body.pause_on_start else RecordingState.ACTIVE
        if started.recording_id is not None:
            await self._record(order, started.recording_id, state)
        elif not order.is_followed:
            extra = {"action": "start", "start_id": order.start_id, "by": by}
            log.warning("start accepted without a recordingId", extra=extra)
        if started.recording_id is None and order.is_followed:
            return _accepted(order)
        return StartedView(
            recording_id=started.recording_id, state=state, correlation=request.correlation, labels=request.labels
        )

    async def _send(self, order: StartOrder, repeatability: Repeatability, begun: Begun[Start]) -> Started:
        """Sends a stored start to ACS."""
        try:
            return await self._recorder.start(order.body, repeatability)
        except CallvaultError as error:
            if begun.is_new and isinstance(error, _REFUSALS):
                with suppress(DestinationError):  # the row then stays until it expires
                    await self._starts.remove(order.start_id)
            if isinstance(error, AlreadyRecording):
                raise await self._with_running_recording(order.asked, error) from None
            raise

    async def _record(self, order: StartOrder, recording_id: str, state: RecordingState) -> None:
        """Writes the started recording to the ledger.

        The recording runs, and the caller needs its id to stop it, so a failure is only logged. A callback or an event
        then adds the row to the ledger.
        """
        context = {"action": "start", "recording_key": key_of(recording_id)}
        try:
            with reported_if_unwritten(order.entry, context["recording_key"]):
                await self._write_with_retries(order.asked.evolve(control=state), recording_id, order.entry)
            await self._starts.record_outcome(order.start_id, recording_id=recording_id)
        except DestinationError:
            log.warning("recording started but not written to the ledger", extra=context)
        else:
            log.info("recording started", extra=context)

    async def _with_running_recording(self, asked: Recording, error: AlreadyRecording) -> AlreadyRecording:
        try:
            names = {await self._server_call_id(asked), asked.call_connection_id} - {None}
            keys = {key for name in names if name for key in await self._links.recordings_of_call(name)}
            known = [await self._catalogue.ledger(key) for key in keys]
        except DestinationError:
            return error
        running = [one for one in known if one is not None and one.recording_id and one.control in RUNNING]
        alike = [one for one in running if (one.content, one.channel) == (asked.content, asked.channel)]
        found = alike or running
        if len(found) != 1:
            return error
        return AlreadyRecording(f"{error}; the running recording has the recordingId {found[0].recording_id}")

    async def _server_call_id(self, asked: Recording) -> str | None:
        if asked.server_call_id is None and asked.call_connection_id:
            return await self._links.call_of_connection(asked.call_connection_id)
        return asked.server_call_id

    async def became(self, started: StartedView) -> StartedView:
        """Updates the answer of a start that hadn't named its recording. Raises SourceRefused if the start failed."""
        start = await self._starts.find(started.start_id) if started.start_id else None
        if start is None or (start.recording_id is None and start.failure is None):
            return started
        if start.recording_id is None:
            raise SourceRefused(f"ACS accepted the start but could not carry it out: {start.failure}")
        recording, chunks = await self._catalogue.recording(key_of(start.recording_id))
        state = (recording.state(chunks) if recording else None) or RecordingState.ACTIVE
        return started.model_copy(update={"recording_id": start.recording_id, "state": state, "start_id": None})

    async def is_of(self, start_id: str, recording_id: str | None) -> bool:
        """Whether a callback at this start's URL may report this recording.

        If the start has no recording yet, the callback may report one that no other start has. `recording_id` is None
        for an event without a recordingId.
        """
        start = await self._starts.find(start_id)
        if start is None:
            return False
        if recording_id is None or recording_id == start.recording_id:
            return True
        if start.asked is None:
            return False
        known = await self._catalogue.ledger(key_of(recording_id))
        return known is None or known.requested_at in (None, start.asked.requested_at)

    async def named(self, start_id: str, recording_id: str) -> None:
        """A callback reported the recording of a start."""
        start = await self._starts.find(start_id)
        if start is None or start.asked is None or start.entry is None:
            return  # the start itself or an earlier callback wrote the ledger
        await self._write(start.asked.evolve(control=RecordingState.STARTING), recording_id, start.entry)
        await self._starts.record_outcome(start_id, recording_id=recording_id)
        log.info("start linked to its recording", extra={"action": "start", "recording_key": key_of(recording_id)})

    async def failed(self, start_id: str, failure: str) -> None:
        """A callback reported that a start failed."""
        start = await self._starts.find(start_id)
        if start is not None and start.recording_id is None:
            await self._starts.record_outcome(start_id, failure=failure)

    async def _write_with_retries(self, asked: Recording, recording_id: str, entry: AuditEntry) -> None:
        """Repeats `_write` after a failure, because only this request knows who started the recording."""
        for pause in _PAUSES:
            try:
                return await self._write(asked, recording_id, entry)
            except DestinationError:
                await self._clock.sleep(pause)
        return await self._write(asked, recording_id, entry)

    async def _write(self, asked: Recording, recording_id: str, entry: AuditEntry) -> None:
        """Writes worklist, ledger and links. The worklist is first: by its row the sweep can ask ACS for the state."""
        key = key_of(recording_id)
        server_call_id = await self._server_call_id(asked)
        due_at = self._clock.now() + self._settings.files_awaited
        await self._writers.open_work.add(WorkItem.of_recording(key, recording_id, due_at, asked.listed_at))
        recording = asked.evolve(recording_key=key, recording_id=recording_id, server_call_id=server_call_id)
        await self._writers.recordings.merge(recording, entry)
        for name in (server_call_id, asked.call_connection_id):
            if name:
                await self._links.link_call(name, key)


def _accepted(order: StartOrder) -> StartedView:
    """The answer to a start whose recording isn't known yet."""
    return StartedView(
        recording_id=None,
        state=RecordingState.STARTING,
        correlation=order.request.correlation,
        labels=order.request.labels,
        start_id=order.start_id,
    )
