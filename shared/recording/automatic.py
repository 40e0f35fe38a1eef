"""Starts the recording of calls that match a rule, once per call, however many events announce the call.

        claim ──> worklist ──> start ──> claim settled ──> off the worklist
          1          2           3             4                 5

1 is a conditional insert by the call's serverCallId: of all the events and callbacks that race, one wins. Whoever finds
a claim that isn't settled makes sure of 2. From 2 on the sweep takes the claim up when its winner falls silent, so a
death after it loses nothing; a death between 1 and 2 leaves a delivery that wasn't answered, and the next does 2. The
start goes to ACS under the claim's own Repeatability id, the same however often it is sent. A call that is recorded
already, as ACS says (8553, 8559) or the ledger knows, is what was wanted: no second recording is started. A call that
is over, or that ACS refuses for good, is settled at once, with one line in the log. The row on the worklist is called
after the start, so that whoever is done with one start never takes away the row of the next.
"""

import json
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from shared.bookkeeping.books import Books
from shared.contracts.auto_record import CallKind, Trigger
from shared.contracts.http.start_request import parse_start
from shared.domain.clock import Clock
from shared.domain.keys import call_key
from shared.domain.repeatability import Repeatability
from shared.domain.states import RUNNING
from shared.domain.work_item import WorkItem
from shared.errors import (
    AlreadyRecording,
    ApplicationForbidden,
    CallNotRecordable,
    CallOver,
    CallvaultError,
    DestinationUnavailable,
    NotFound,
    NotSupported,
)
from shared.gateways.bundle import Gateways
from shared.gateways.tables.claims import Claim
from shared.observability.logs import logger
from shared.recording.start import Starting
from shared.settings.settings import Settings

log = logger("autorecording")

RULE = "AUTO_RECORD"  # who did it, in the audit, when nobody handed the event in
_PAUSES = (0.0, 1.0, 3.0)  # seconds before each try of a delivery; Event Grid waits 30 s for its answer
_NOT_YET = timedelta(minutes=5)  # within it ACS may not be ready yet for a call that it just announced
_GIVEN_UP = timedelta(hours=4)
_MOST_RESTARTS = 5  # after starts that ACS accepted and then could not carry out
_ROUNDS = 5  # each is lost only to another write of the same claim at the same moment
# Any other outcome is a call that goes on unrecorded.
_STARTED, _RECORDED, _OVER = "started", "recorded already", "over"


class AutoRecording:
    """The policy of AUTO_RECORD, carried out."""

    def __init__(self, gateways: Gateways, starting: Starting, clock: Clock, settings: Settings) -> None:
        self._books = Books.over(gateways)
        self._claims, self._links = gateways.claims, gateways.links
        self._catalogue, self._starting, self._clock = gateways.catalogue, starting, clock
        self._rules = settings.auto_record_rules
        self._busy = settings.lease  # after it the winner is taken for dead

    async def consider(
        self, trigger: Trigger, *, server_call_id: str, call_kind: CallKind | None = None, by: str
    ) -> bool:
        """Records a call if a rule says so, and tells whether one does. Raises DestinationError when storage fails.

        `by` is who is named in the audit: RULE, or the person who handed the event in.

        A start that fails for now is left to the sweep: raising it would have Event Grid hold back other events, too.
        """
        rule = next((rule for rule in self._rules if rule.meets(trigger, call_kind)), None)
        if rule is None:
            return False
        now = self._clock.now()
        wanted = Claim(
            call_key=call_key(server_call_id),
            trigger=trigger.value,
            by=by,
            body=json.dumps({"serverCallId": server_call_id, **rule.wanted()}),
            repeatability_id=str(uuid.uuid4()),
            first_sent=now,
            busy_until=now + self._busy,
        )
        claim, new = await self._claims.begin(wanted)
        if claim.outcome is not None:
            return True
        await self._books.open_work.add(_row(claim, claim.busy_until))
        if new:
            await self._record(claim, _PAUSES)
        return True

    async def take_up(self, item: WorkItem) -> None:
        """The sweep's look at a call whose recording should have begun by now."""
        claim = await self._claims.find(item.recording_key)
        now = self._clock.now()
        if claim is None or item.row != _row(claim, now).row:
            # Another start's. That of one to be sent anew is there a moment before its claim: it gets the time.
            if item.due_at + self._busy <= now:
                await self._books.open_work.remove(item)
        elif claim.outcome is not None:
            await self._books.open_work.remove(item)
        elif claim.busy_until <= now:
            taken = await self._claims.write(replace(claim, busy_until=now + self._busy, attempts=claim.attempts + 1))
            if taken is not None:
                await self._record(taken, (0.0,))

    async def start_failed(self, start_id: str, server_call_id: str) -> None:
        """ACS accepted an automatic start and could not carry it out: it is sent anew, as another request."""
        for _ in range(_ROUNDS):
            claim = await self._claims.find(call_key(server_call_id))
            if claim is None or claim.start_id != start_id:
                return
            if claim.restarts >= _MOST_RESTARTS:
                log.error("call not recorded", extra={**_about(claim), "outcome": "start failed"})
                return
            now = self._clock.now()
            again = replace(
                claim,
                repeatability_id=str(uuid.uuid4()),
                first_sent=now,
                busy_until=now,
                restarts=claim.restarts + 1,
                outcome=None,
            )
            # The row first. Should we die in between, the sweep takes it away, and ACS's callback is unanswered.
            await self._books.open_work.add(_row(again, now))
            if await self._claims.write(again) is not None:
                return
        raise DestinationUnavailable("claiming a call anew: others were faster each time")

    async def _record(self, claim: Claim, pauses: tuple[float, ...]) -> None:
        for pause in pauses:
            await self._clock.sleep(pause)
            outcome = await self._try(claim)
            if outcome is not None:
                await self._settle(claim, outcome)
                return
        if self._clock.now() > claim.first_sent + _GIVEN_UP:
            await self._settle(claim, "given up")
            return
        now = self._clock.now()
        late = now > claim.first_sent + _NOT_YET
        if late and not claim.reported:
            log.error("call not recorded yet", extra=_about(claim))
        await self._claims.write(replace(claim, busy_until=now, reported=claim.reported or late))
        await self._books.open_work.add(_row(claim, now))

    async def _try(self, claim: Claim) -> str | None:
        """What came of it; None when it is to be tried again."""
        try:
            request = parse_start(claim.body.encode())
            if await self._is_recorded(request.server_call_id or ""):
                return _RECORDED
            repeatability = Repeatability(request_id=claim.repeatability_id, first_sent=claim.first_sent)
            await self._starting.start(request, repeatability, by=claim.by, trigger=claim.trigger)
        except AlreadyRecording:
            return _RECORDED
        except CallOver:
            return _OVER
        except (CallNotRecordable, ApplicationForbidden, NotSupported) as error:
            return f"refused: {error.reason}"
        except CallvaultError as error:
            log.warning("automatic start failed", extra={**_about(claim), "reason": error.reason})
            if error.retry or self._clock.now() <= claim.first_sent + _NOT_YET:
                return None
            return _OVER if isinstance(error, NotFound) else f"refused: {error.reason}"
        return _STARTED

    async def _is_recorded(self, server_call_id: str) -> bool:
        """ACS refuses a second recording of the same kind only."""
        for key in await self._links.recordings_of_call(server_call_id):
            recording = await self._catalogue.ledger(key)
            if recording is not None and recording.control in RUNNING:
                return True
        return False

    async def _settle(self, claim: Claim, outcome: str) -> None:
        """Unless another has the claim meanwhile: then it is that one's, and so is its row."""
        if await self._claims.write(replace(claim, outcome=outcome)) is None:
            return
        await self._books.open_work.remove(_row(claim, claim.busy_until))
        told = {**_about(claim), "outcome": outcome}
        if outcome in (_STARTED, _RECORDED):
            log.info("call recorded", extra=told)
        elif outcome == _OVER:
            log.warning("call was over before it was recorded", extra=told)
        else:
            log.error("call not recorded", extra=told)


def _row(claim: Claim, due_at: datetime) -> WorkItem:
    return WorkItem.of_call(claim.call_key, claim.start_id, due_at)


def _about(claim: Claim) -> dict[str, object]:
    return {"action": "auto-record", "call_key": claim.call_key, "trigger": claim.trigger, "attempt": claim.attempts}
