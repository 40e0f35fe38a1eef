"""Starts the recording of calls that match a rule of AUTO_RECORD, once per call, however many events report the call.

        worklist ──> claim ──> start ──> outcome in the claim ──> row removed from the worklist
           1           2         3                4                             5

2 inserts the claim by the call's serverCallId. If several events and callbacks report the call at the same moment,
only one insert succeeds. A process that finds a claim without an outcome adds the claim's row again. A crash before 2
leaves the delivery unanswered, so it is repeated, and a row without a claim, which the sweep removes. After a crash
after 2, the sweep finds the row and continues, even if ACS stops repeating a callback that wasn't answered.

Each start of a claim has the same Repeatability id, so ACS carries out a repeated start only once. A call that is
recorded already, by ACS's answer (8553, 8559) or by the ledger, gets no second recording. If the call is over, or ACS
refuses permanently, the claim gets its outcome at once, with one log line. The worklist row has the start's id in its
key, so removing the row of one start never removes the row of the next.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from shared.bookkeeping.writers import Writers
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

RULE = "AUTO_RECORD"  # the author in audit entries, unless a person sent the event
_PAUSES = (0.0, 1.0, 3.0)  # seconds before each try in one delivery; Event Grid waits only 30 s for the response
_NOT_YET = timedelta(minutes=5)  # after a call is reported, ACS may need this long before it can record the call
_GIVEN_UP = timedelta(hours=4)  # after the first try
_MOST_RESTARTS = 5  # after starts that ACS accepted and could not carry out
_ROUNDS = 5  # tries of a conditional write; each fails only if the same claim was written at the same moment
# With any other outcome, the call is not recorded.
_STARTED, _RECORDED, _OVER = "started", "recorded already", "over"
_HARMLESS = frozenset({_STARTED, _RECORDED, _OVER})
RECORDED = frozenset({_STARTED, _RECORDED})
START_FAILED = "start failed"


class AutoRecording:
    """Applies the rules of AUTO_RECORD."""

    def __init__(self, gateways: Gateways, starting: Starting, clock: Clock, settings: Settings) -> None:
        self._writers = Writers.over(gateways)
        self._claims, self._links = gateways.claims, gateways.links
        self._catalogue, self._starting, self._clock = gateways.catalogue, starting, clock
        self._random_source = gateways.random_source
        self._rules = settings.auto_record_rules
        self._busy = settings.lease  # after this time the process that has the claim counts as crashed

    async def consider(
        self, trigger: Trigger, *, server_call_id: str, call_kind: CallKind | None = None, by: str
    ) -> bool:
        """Records the call if a rule applies to it. Returns whether one does. Raises DestinationError if storage fails.

        `by` is the author in audit entries: RULE, or the person who sent the event.

        If the start fails for now, the sweep repeats it. An error would make Event Grid delay other events, too.
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
            repeatability_id=str(self._random_source.new_id()),
            first_sent=now,
            busy_until=now + self._busy,
        )
        claim = await self._claims.find(wanted.call_key)
        if claim is None:
            await self._writers.open_work.add(_row(wanted, wanted.busy_until))
            begun = await self._claims.begin(wanted)
            if begun.is_new:
                await self._record(begun.row, _PAUSES)
                return True
            claim = begun.row
        if claim.outcome is None:
            await self._writers.open_work.add(_row(claim, claim.busy_until))
        return True

    async def check(self, item: WorkItem) -> None:
        """The sweep's check of a call whose recording should have begun."""
        claim = await self._claims.find(item.recording_key)
        now = self._clock.now()
        if claim is None or item.row != _row(claim, now).row:
            # The row belongs to another start or has no claim. It is written before its claim, so a new one may stay.
            if item.due_at + self._busy <= now:
                await self._writers.open_work.remove(item)
        elif claim.outcome is not None:
            await self._writers.open_work.remove(item)
        elif claim.busy_until <= now:
            taken = await self._claims.write(replace(claim, busy_until=now + self._busy, attempts=claim.attempts + 1))
            if taken is not None:
                await self._record(taken, (0.0,))

    async def start_failed(self, start_id: str, server_call_id: str) -> None:
        """Repeats an automatic start that ACS accepted and could not carry out, as a new request."""
        for _ in range(_ROUNDS):
            claim = await self._claims.find(call_key(server_call_id))
            if claim is None or claim.start_id != start_id:
                return
            if claim.restarts >= _MOST_RESTARTS:
                await self._writers.unrecorded_calls.add(claim.call_key, claim.first_sent)
                await self._claims.write(replace(claim, outcome=START_FAILED))
                log.error("call not recorded", extra={**_about(claim), "outcome": START_FAILED})
                return
            now = self._clock.now()
            again = replace(
                claim,
                repeatability_id=str(self._random_source.new_id()),
                first_sent=now,
                busy_until=now,
                restarts=claim.restarts + 1,
                outcome=None,
            )
            # The row first. After a crash before the claim is written, the callback isn't answered and ACS repeats it.
            await self._writers.open_work.add(_row(again, now))
            if await self._claims.write(again) is not None:
                return
        raise DestinationUnavailable.contended("the claim on the call")

    async def _record(self, claim: Claim, pauses: tuple[float, ...]) -> None:
        for pause in pauses:
            await self._clock.sleep(pause)
            outcome = await self._try(claim)
            if outcome is not None:
                await self._end(claim, outcome)
                return
        if self._clock.now() > claim.first_sent + _GIVEN_UP:
            await self._end(claim, "given up")
            return
        now = self._clock.now()
        late = now > claim.first_sent + _NOT_YET
        if late and not claim.reported:
            await self._writers.unrecorded_calls.add(claim.call_key, claim.first_sent)
            log.error("call not recorded yet", extra=_about(claim))
        await self._claims.write(replace(claim, busy_until=now, reported=claim.reported or late))
        await self._writers.open_work.add(_row(claim, now))

    async def _try(self, claim: Claim) -> str | None:
        """Sends the start. Returns its outcome, or None if the start must be repeated."""
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
        """Whether the ledger has a running recording of the call. ACS refuses only a second one of the same kind."""
        for key in await self._links.recordings_of_call(server_call_id):
            recording = await self._catalogue.ledger(key)
            if recording is not None and recording.control in RUNNING:
                return True
        return False

    async def _end(self, claim: Claim, outcome: str) -> None:
        """Writes the outcome, removes the row and logs, unless another process has the claim meanwhile."""
        if outcome not in _HARMLESS:
            await self._writers.unrecorded_calls.add(claim.call_key, claim.first_sent)
        if await self._claims.write(replace(claim, outcome=outcome)) is None:
            return
        await self._writers.open_work.remove(_row(claim, claim.busy_until))
        extra = {**_about(claim), "outcome": outcome}
        if outcome in RECORDED:
            log.info("call recorded", extra=extra)
        elif outcome == _OVER:
            log.warning("call ended before it could be recorded", extra=extra)
        else:
            log.error("call not recorded", extra=extra)


def _row(claim: Claim, due_at: datetime) -> WorkItem:
    return WorkItem.of_call(claim.call_key, claim.start_id, due_at)


def _about(claim: Claim) -> dict[str, object]:
    return {"action": "auto-record", "call_key": claim.call_key, "trigger": claim.trigger, "attempt": claim.attempts}
