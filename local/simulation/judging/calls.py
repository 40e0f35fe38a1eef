"""What must be true of calls at the end of a run: each is recorded once, and nothing about its start is left over."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from local.memory.storage.conversions import Entity
from local.simulation.callers.history import History
from local.simulation.judging.stored import Stored, is_whole
from local.simulation.schedules.calls import CallPlan, Report
from local.simulation.schedules.schedule import Schedule
from local.simulation.world.recorder import CallRecording
from local.simulation.world.sources import SimulatedAcs
from shared.domain.keys import call_key, key_of

_CARRIED_OUT = ("started", "recorded already")
_MOST_RESTARTS = 5
_RULE = "AUTO_RECORD"
_SKEW = timedelta(minutes=10)  # more than two clocks differ
_TIME_TO_RESTART = 300.0  # seconds: the sweep does it
_TIME_TO_START = 60.0  # seconds that a call must last after its report, in a run without faults


class Calls:
    """Judges starts, claims, and recordings whose files never come."""

    def __init__(self, stored: Stored, acs: SimulatedAcs, schedule: Schedule, history: History) -> None:
        self._stored, self._recorder, self._history = stored, acs.recorder, history
        self._schedule, self._rules = schedule, stored.settings.auto_record_rules

    def violations(self) -> Iterator[str]:
        if not self._schedule.calls:
            return
        self._audit = self._stored.audit()
        yield from self._claims()
        yield from self._starts()
        for key, answered in self._history.answered.items():
            if len(answered) > 1:
                yield f"the callers of {key} got {len(answered)} recordings"
        for key, number in self._history.refused.items():
            if number:
                yield f"a repeated start with the key {key} was refused, although it had been answered"
        rows = self._stored.recordings()
        if self._schedule.is_calm:
            yield from self._links(rows)
        for plan in self._schedule.calls:
            made = self._recorder.of_call(plan.call)
            yield from self._recorded_once(plan, made)
            for recording in made:
                yield from self._recording(plan, recording, rows.get(key_of(recording.recording_id)))

    def _recorded_once(self, plan: CallPlan, made: list[CallRecording]) -> Iterator[str]:
        ran = [one for one in made if not one.has_failed]
        callers, rules = len(self._history.keys[plan.call.name]), 1 if self._rules else 0
        if len(ran) > callers + rules:
            yield f"{plan.call.name} has {len(ran)} recordings, by {callers} callers and {rules} rules"
        by_token = {one.token for one in ran}
        if len(by_token) < len(ran):
            yield f"{plan.call.name} has two recordings for one start"
        claim = self._stored.links("auto-").get(call_key(plan.call.server_call_id))
        automatic = [one for one in ran if self._is_by_rule(one)] if callers else ran
        if len(automatic) > 1:
            yield f"{plan.call.name} was recorded automatically {len(automatic)} times"
        if claim is not None and claim.get("outcome") in _CARRIED_OUT and not made:
            yield f"the claim on {plan.call.name} says {claim['outcome']}, but it was never recorded"
        in_time = any(at + _TIME_TO_START < plan.ends for at in self._reports_of(plan))
        if self._schedule.is_calm and in_time and not made:
            yield f"{plan.call.name} was reported, and not recorded by the rule"

        if self._schedule.is_calm and not callers and made and len(made) <= _MOST_RESTARTS and made[-1].has_failed:
            failed = [
                one.at
                for one in self._history.callbacks
                if one.kind == "StartRecordingFailed" and one.recording_id == made[-1].recording_id
            ]
            if any(at + _TIME_TO_RESTART < plan.ends for at in failed):
                yield f"{plan.call.name}: ACS couldn't carry out the automatic start, and it wasn't repeated"

    def _links(self, rows: dict[str, Entity]) -> Iterator[str]:
        """Without the link, a file event that names only the call finds no recording, and a rule records it twice."""
        linked = {key for key, _ in self._stored.rows(self._stored.settings.links_table)}
        for key in {key_of(name) for name in self._recorder.recordings} & rows.keys():
            names = [str(name) for name in (rows[key].get("serverCallId"), rows[key].get("callConnectionId")) if name]
            is_linked = any((f"call-{call_key(name)}", key) in linked for name in names)
            if "requestedAt" in rows[key] and names and not is_linked:
                yield f"the recording {key} isn't linked to its call"

    def _is_by_rule(self, recording: CallRecording) -> bool:
        entries = self._audit.get(key_of(recording.recording_id), ())
        return any(entry["action"] == "start" and entry["by"] == _RULE for entry in entries)

    def _reports_of(self, plan: CallPlan) -> Iterator[float]:
        """When the app acknowledged, or in a run without faults got, reports that a rule applies to."""
        for rule in self._rules:
            if "CallConnected" in rule.on:
                yield from self._history.reported.get(plan.call.server_call_id, ())
            if "CallStarted" in rule.on and (rule.calls is None or plan.kind in rule.calls):
                yield from (plan.begins + at for at, report in plan.reports if report is Report.STARTED)

    def _claims(self) -> Iterator[str]:
        for key, claim in self._stored.links("auto-").items():
            if not claim.get("outcome"):
                yield f"the claim {key} has no outcome"

    def _starts(self) -> Iterator[str]:
        """A start's row keeps the request only while ACS's answer to it is unknown."""
        by_start = {key_of(one.token): one for one in self._recorder.recordings.values()}
        reported = {one.recording_id for one in self._history.callbacks if one.has_start}
        for start_id, row in self._stored.links("start-").items():
            made = by_start.get(start_id)
            named = row.get("recordingId")
            if named is not None and (made is None or made.recording_id != named):
                yield f"the start {start_id} names the recording {named}, which ACS didn't make for it"
            if "asked" in row and made is not None and made.recording_id in reported:
                yield f"the start of {made.recording_id} still has its request, after a callback about it"
            if "asked" in row and self._schedule.is_calm and made is not None and made.is_named:
                yield f"the start of {made.recording_id} still has its request"

    def _recording(self, plan: CallPlan, recording: CallRecording, row: dict[str, object] | None) -> Iterator[str]:
        name = recording.recording_id
        reported = any(one.recording_id == name and one.has_start for one in self._history.callbacks)
        if row is None:
            if reported or self._history.published.get(name) or (self._schedule.is_calm and recording.is_named):
                yield f"{name} isn't in the catalogue"
            return
        if recording.has_failed:
            return
        if row.get("serverCallId") not in (None, recording.call.server_call_id):
            yield f"{name} has the call of another recording"
        stopped_at = row.get("stoppedAt")
        ended_at = None if recording.call.fails_over else recording.ended_at
        if stopped_at and ended_at and datetime.fromisoformat(str(stopped_at)) < ended_at - _SKEW:
            yield f"{name} was called stopped while it ran"
        whole = is_whole(row, self._stored.chunks()[key_of(name)])
        if whole is not plan.is_whole and not (plan.is_whole and "overdueAt" in row):
            yield f"{name} is {'complete' if whole else 'incomplete'}, unlike its files"
