"""Starts recordings, and links each request to the recording that ACS starts for it.

        request stored ──> ACS ──> worklist ──> ledger and audit ──> links of the call ──> request closed
              1             2         3                4                    5                     6

1 is done if Callvault receives ACS's callbacks (CALLBACK_URL) or the request states consent. The consent is then stored
before anybody is recorded. The callback URL names the start, so a callback can do 3 to 6 after a crash, and for a
start that ACS accepted without naming the recording.
4 is one transaction, with an audit entry that a start can have only once. If the start and a callback both write it,
the second write changes nothing.
6 replaces the stored request by the recording's id, so that a later callback at the same URL can't report another
recording. Without callbacks, 6 removes the stored request.

After a crash between 2 and 4 without callbacks, the recording's file event adds the row to the ledger, and a caller
that repeats the start with the same Idempotency-Key gets the same recording.
"""

from urllib.parse import urlsplit

from shared.bookkeeping.books import Books
from shared.contracts.http.recording_view import StartedView
from shared.contracts.http.start_request import StartRecording
from shared.domain.clock import Clock
from shared.domain.keys import key_of
from shared.domain.records import AuditEntry, Recording
from shared.domain.repeatability import Repeatability
from shared.domain.states import RUNNING, RecordingState
from shared.domain.work_item import WorkItem
from shared.errors import AlreadyRecording, ConsentRequired, DestinationError, InvalidRequest, SourceRefused
from shared.gateways.bundle import Gateways
from shared.observability.logs import logger
from shared.recording.audit import reported_if_unwritten
from shared.recording.callback_urls import CallbackUrls
from shared.settings.settings import Settings

log = logger("starting")

_PAUSES = (1.0, 3.0)  # seconds before each further try to write the ledger; the caller waits meanwhile


class Starting:
    """Starts recordings and writes them to the ledger."""

    def __init__(self, gateways: Gateways, clock: Clock, settings: Settings) -> None:
        self._books = Books.over(gateways)
        self._urls = CallbackUrls(settings)
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
        start_id = key_of(repeatability.request_id)
        request = self._consented(request, automatic=trigger is not None)
        asked = _asked(request, repeatability)
        details = request.consent.details() if request.consent else {}
        details |= {"trigger": trigger} if trigger else {}
        entry = AuditEntry(at=repeatability.first_sent, action="start", by=by, details=details, mark=start_id)
        _must_be_allowed(request.state_callback_url, self._settings.callback_hosts)
        address = self._urls.of_start(start_id) if request.state_callback_url is None else None
        followed = address is not None
        if followed:
            request = request.model_copy(update={"state_callback_url": address})
        stored = followed or request.consent is not None
        if stored:
            await self._starts.begin(start_id, asked, entry)
        try:
            started = await self._recorder.start(request, repeatability)
        except AlreadyRecording as error:
            raise await self._with_running_recording(asked, error) from None
        state = RecordingState.STARTING
        if started.running:
            state = RecordingState.PAUSED if request.pause_on_start else RecordingState.ACTIVE
        if started.recording_id is not None:
            context = {"action": "start", "recording_key": key_of(started.recording_id)}
            try:
                with reported_if_unwritten(entry, context["recording_key"]):
                    await self._write_with_retries(asked.evolve(control=state), started.recording_id, entry)
                if stored:
                    await self._close(start_id, started.recording_id, followed=followed)
            except DestinationError:
                # The recording runs, and the caller needs its id to stop it, so don't fail. A callback or an event
                # adds the row to the ledger.
                log.warning("recording started but not written to the ledger", extra=context)
            else:
                log.info("recording started", extra=context)
        elif not followed:
            log.warning(
                "start accepted without a recordingId", extra={"action": "start", "start_id": start_id, "by": by}
            )
        return StartedView(
            recording_id=started.recording_id,
            state=state,
            correlation=request.correlation,
            start_id=start_id if followed and started.recording_id is None else None,
        )

    async def _close(self, start_id: str, recording_id: str, *, followed: bool) -> None:
        """Removes the stored request. If callbacks are expected, its row keeps the recording's id to check them."""
        if followed:
            await self._starts.record_outcome(start_id, recording_id=recording_id)
        else:
            await self._starts.remove(start_id)

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

    def _consented(self, request: StartRecording, *, automatic: bool) -> StartRecording:
        if request.consent is not None:
            request.consent.must_be_given(self._clock.now())
        elif self._settings.require_consent:
            if not automatic:
                raise ConsentRequired("send consent, with its basis, reference and obtainedAt")
            return request.model_copy(update={"pause_on_start": True})  # until a resume with consent
        return request

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
        await self._books.open_work.add(WorkItem.of_recording(key, recording_id, due_at, asked.listed_at))
        recording = asked.evolve(recording_key=key, recording_id=recording_id, server_call_id=server_call_id)
        await self._books.recordings.merge(recording, entry)
        for name in (server_call_id, asked.call_connection_id):
            if name:
                await self._links.link_call(name, key)


def _must_be_allowed(state_callback_url: str | None, hosts: frozenset[str]) -> None:
    """Raises InvalidRequest for a URL on a host that STATE_CALLBACK_HOSTS doesn't name."""
    if state_callback_url is None or not hosts:
        return
    host = (urlsplit(state_callback_url).hostname or "").rstrip(".")
    above = (f"*.{host[dot + 1 :]}" for dot, letter in enumerate(host) if letter == ".")
    if hosts.isdisjoint({host, *above}):
        raise InvalidRequest.of(
            "stateCallbackUrl",
            "must be on a host that the setting STATE_CALLBACK_HOSTS allows: use one of those hosts, or omit the field",
        )


def _asked(request: StartRecording, repeatability: Repeatability) -> Recording:
    content, channel, media_format = request.kind()
    return Recording(
        recording_key="",
        server_call_id=request.server_call_id,
        call_connection_id=request.call_connection_id,
        group_call_id=str(request.group_call_id) if request.group_call_id else None,
        room_id=request.room_id,
        correlation=request.correlation,
        content=content.value,
        channel=channel.value,
        format=media_format.value,
        requested_at=repeatability.first_sent,
        listed_at=repeatability.first_sent,
        paused_at=repeatability.first_sent if request.pause_on_start else None,
        consent_basis=request.consent.basis if request.consent else None,
        consent_reference=request.consent.reference if request.consent else None,
        consent_obtained_at=request.consent.obtained_at if request.consent else None,
    )
