"""Starts recordings, and puts what was asked for together with the recording that comes of it.

        noted ──> ACS ──> worklist ──> ledger and audit ──> call ──> settled
          1        2         3               4               5          6

1 is done where ACS's callbacks come to us (CALLBACK_URL), since the state callback's address then names the start: a
callback does 3 to 6 for a start whose process died after 2, and for one that ACS accepted without naming the recording.
It is done, too, where consent was stated, so that it is on record before anybody is recorded.
6 replaces what was asked for by the recording's id, so that a later callback at that address can report no other
recording. Without a callback address it removes the row.
4 is one transaction, with an audit entry that a start can have only once: of two that tell of the same start, the
second changes nothing. Without callbacks, the event of the recording's files makes the row, and a caller that repeats
its start with the same Idempotency-Key gets the same recording.
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

_PAUSES = (1.0, 3.0)  # seconds before each further try to write a start down; its caller waits


class Starting:
    """Recordings, from what is asked for to what is known of them."""

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
        noted = followed or request.consent is not None
        if noted:
            await self._starts.begin(start_id, asked, entry)
        try:
            started = await self._recorder.start(request, repeatability)
        except AlreadyRecording as error:
            raise await self._naming_the_running_one(asked, error) from None
        state = RecordingState.STARTING
        if started.running:
            state = RecordingState.PAUSED if request.pause_on_start else RecordingState.ACTIVE
        if started.recording_id is not None:
            context = {"action": "start", "recording_key": key_of(started.recording_id)}
            try:
                with reported_if_unwritten(entry, context["recording_key"]):
                    await self._note_insistently(asked.evolve(control=state), started.recording_id, entry)
                if noted:
                    await self._settle(start_id, started.recording_id, followed=followed)
            except DestinationError:
                # It runs, and only its id can stop it: the caller must have that. A callback or event makes the row.
                log.warning("started recording not noted", extra=context)
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

    async def _settle(self, start_id: str, recording_id: str, *, followed: bool) -> None:
        """Removes what was asked for. If callbacks are expected, the recording's id stays: they may report no other."""
        if followed:
            await self._starts.became(start_id, recording_id=recording_id)
        else:
            await self._starts.forget(start_id)

    async def _naming_the_running_one(self, asked: Recording, error: AlreadyRecording) -> AlreadyRecording:
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
            return request.model_copy(update={"pause_on_start": True})  # until a resume brings the consent
        return request

    async def became(self, started: StartedView) -> StartedView:
        """A start that hadn't named its recording, as it stands now. Raises SourceRefused when it came to nothing."""
        start = await self._starts.find(started.start_id) if started.start_id else None
        if start is None or (start.recording_id is None and start.failure is None):
            return started
        if start.recording_id is None:
            raise SourceRefused(f"ACS accepted the start and could not carry it out: {start.failure}")
        recording, chunks = await self._catalogue.recording(key_of(start.recording_id))
        state = (recording.state(chunks) if recording else None) or RecordingState.ACTIVE
        return started.model_copy(update={"recording_id": start.recording_id, "state": state, "start_id": None})

    async def is_of(self, start_id: str, recording_id: str | None) -> bool:
        """Whether a callback at this start's URL may report this recording.

        A start that has no recording yet may name one that no other start has. None is an event without a recordingId.
        """
        start = await self._starts.find(start_id)
        if start is None:
            return False
        if recording_id is None or recording_id == start.recording_id:
            return True
        if start.asked is None:
            return False
        standing = await self._catalogue.ledger(key_of(recording_id))
        return standing is None or standing.requested_at in (None, start.asked.requested_at)

    async def named(self, start_id: str, recording_id: str) -> None:
        """A callback told which recording a start became."""
        start = await self._starts.find(start_id)
        if start is None or start.asked is None or start.entry is None:
            return  # noted already: by the start itself, or by an earlier callback
        await self._note(start.asked.evolve(control=RecordingState.STARTING), recording_id, start.entry)
        await self._starts.became(start_id, recording_id=recording_id)
        log.info("start became a recording", extra={"action": "start", "recording_key": key_of(recording_id)})

    async def failed(self, start_id: str, failure: str) -> None:
        """A callback told that a start came to nothing."""
        start = await self._starts.find(start_id)
        if start is not None and start.recording_id is None:
            await self._starts.became(start_id, failure=failure)

    async def _note_insistently(self, asked: Recording, recording_id: str, entry: AuditEntry) -> None:
        """As `_note`, which may be repeated: nobody else may ever know who started the recording."""
        for pause in _PAUSES:
            try:
                return await self._note(asked, recording_id, entry)
            except DestinationError:
                await self._clock.sleep(pause)
        return await self._note(asked, recording_id, entry)

    async def _note(self, asked: Recording, recording_id: str, entry: AuditEntry) -> None:
        """The worklist first: its row alone is enough for the sweep to ask ACS what became of the recording."""
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
            "must be on a host that the setting STATE_CALLBACK_HOSTS allows: use one of those, or leave it out",
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
