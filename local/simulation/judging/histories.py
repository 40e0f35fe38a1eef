"""What must be true of audit entries: one for every act that the app confirmed, and none without a request."""

from collections import Counter
from collections.abc import Iterator

from local.simulation.callers.history import History
from local.simulation.callers.readers import READER, SUBMITTED
from local.simulation.callers.recording_callers import CALLER
from local.simulation.judging.stored import Stored
from local.simulation.schedules.schedule import Schedule
from local.simulation.world.sources import SimulatedAcs
from shared.domain.keys import key_of

_ACTS = ("pause", "resume", "replay", "read content")
_AUTHORS = {
    "pause": {CALLER},
    "resume": {CALLER},
    "stop": {CALLER},
    "start": {CALLER, "AUTO_RECORD"},
    "replay": {"operator"},
    "read content": {READER},
    "read archive": {READER},
    SUBMITTED: {READER},
    "ended": {"ACS"},
    "start-failed": {"ACS"},
}
_ENDS = ("stop", "ended")  # a recording that ACS reported as ended has no second entry for a stop


class Histories:
    """Judges audit entries."""

    def __init__(self, stored: Stored, acs: SimulatedAcs, schedule: Schedule, history: History) -> None:
        self._stored, self._recorder, self._history = stored, acs.recorder, history
        self._schedule = schedule

    def violations(self) -> Iterator[str]:
        audit = self._stored.audit()
        for key, entries in audit.items():
            for entry in entries:
                wanted = _AUTHORS.get(str(entry["action"]))
                if not entry.get("by") or (wanted and entry["by"] not in wanted):
                    yield f"the history of {key} says that {entry['action']} is by {entry.get('by')}"
        names = {*self._history.requested, *self._history.confirmed, *self._recorder.recordings}
        yield from (f"{name} still ran after its stop was confirmed" for name in self._history.running)
        for name in sorted(names):
            entered = Counter(str(entry["action"]) for entry in audit.get(key_of(name), ()))
            yield from self._acts(name, entered)
            yield from self._start(name, entered)
            by_hand = self._history.requested.get(name, Counter())[SUBMITTED] + self._history.resubmitted
            confirmed = self._history.confirmed.get(name, Counter())[SUBMITTED]
            if not confirmed <= entered[SUBMITTED] <= by_hand:
                yield f"the history of {name} has {entered[SUBMITTED]} submitted events; {confirmed} were confirmed"

    def _acts(self, name: str, entered: Counter[str]) -> Iterator[str]:
        requested, confirmed = (
            self._history.requested.get(name, Counter()),
            self._history.confirmed.get(name, Counter()),
        )
        for act in _ACTS:
            if not confirmed[act] <= entered[act] <= requested[act]:
                yield (
                    f"the history of {name} has {entered[act]} entries of {act!r}; "
                    f"{requested[act]} were requested, {confirmed[act]} confirmed"
                )
        for act in ("pause", "resume"):
            if confirmed[act] > self._recorder.commands[name, act]:
                yield f"{act} of {name} was confirmed {confirmed[act]} times, and ACS never did it"
        if entered["stop"] > requested["stop"]:
            yield f"the history of {name} has more entries of 'stop' than requests"
        made = self._recorder.recordings.get(name)
        ran = made is not None and not made.has_failed
        if ran and confirmed["stop"] and not any(entered[end] for end in _ENDS):
            yield f"{name} was stopped, which isn't in its history"

    def _start(self, name: str, entered: Counter[str]) -> Iterator[str]:
        made = self._recorder.recordings.get(name)
        if entered["start"] > (made is not None):
            yield f"the history of {name} has {entered['start']} entries of 'start'"
        if made is None or entered["start"]:
            return
        followed = any(one.recording_id == name and one.has_start for one in self._history.callbacks)
        if followed or (self._schedule.is_calm and name in self._history.started):
            yield f"the start of {name} isn't in its history"
