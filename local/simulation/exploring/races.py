"""The races that are explored: invocations that run at the same time on one chunk.

Each invocation of a race is an actor with a process of its own. Its number is its place in `Race.actors`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from local.simulation.schedules.events import event_of
from local.simulation.schedules.recordings import Recording, Request
from local.simulation.schedules.schedule import Schedule
from local.simulation.world.cluster import BEGIN, Function
from local.simulation.world.faults import Fault
from local.simulation.world.sources import source
from shared.contracts.jobs import ChunkJob
from shared.domain.keys import key_of

FAULTS = (Fault.NOT_SENT, Fault.ANSWER_LOST, Fault.DIES_AFTER, Fault.FREEZES_AFTER, Fault.LATE)
DELIVERED = frozenset({"event", "job"})  # functions that run until one delivery of their event or message succeeds
LASTS = 150.0  # seconds of a freeze and of a late request: longer than a lease

_DOCUMENT = "0-eus-rec0-0"
HOSTS = 5  # one for each actor, and the last one for what runs before the race
_DUE = 95.0  # seconds after the event: the sweep finds the chunk's row


@dataclass(frozen=True, kw_only=True)
class Race:
    """Actors, each with the time at which it begins, after other invocations have run in order."""

    name: str
    actors: Sequence[tuple[float, str]]
    before: Sequence[str] = ()
    is_long: bool = False  # runs only if it is asked for


RACES = (
    Race(name="an event and its redelivery", actors=((0, "event"), (0, "event"))),
    Race(name="a job and its redelivery", before=("event",), actors=((0, "job"), (0, "job"))),
    Race(name="a job, and its redelivery after the lease", before=("event",), actors=((0, "job"), (100, "job"))),
    Race(name="a job and the event's redelivery", before=("event",), actors=((0, "job"), (0, "event"))),
    Race(name="a late job and the sweep", before=("event",), actors=((_DUE, "job"), (_DUE, "sweep"))),
    Race(name="an event, its redelivery and a job", actors=((0, "event"), (0, "event"), (0, "job")), is_long=True),
    Race(
        name="two late jobs and the sweep",
        before=("event",),
        actors=((_DUE, "job"), (_DUE, "job"), (_DUE, "sweep")),
        is_long=True,
    ),
    Race(
        name="two late jobs, the sweep and the event's redelivery",
        before=("event",),
        actors=((_DUE, "job"), (_DUE, "job"), (_DUE, "sweep"), (_DUE, "event")),
        is_long=True,
    ),
)


def schedule() -> Schedule:
    """One recording with one chunk, and no faults: what the race and the time after it need."""
    made = source(_DOCUMENT, 0, size=900, expires=BEGIN + timedelta(days=1))
    request = Request(at=0, events=(event_of("rec0", (made,), 0),))
    recording = Recording(recording_id="rec0", sources=(made,), requests=(request,), ends={})
    return Schedule(
        seed=0,
        skews=(timedelta(),) * HOSTS,
        recordings=(recording,),
        faults=(),
        outages=(),
        lost_jobs=frozenset(),
    )


def _job() -> ChunkJob:
    return ChunkJob(recordingKey=key_of("rec0"), chunkKey=key_of(_DOCUMENT))


FUNCTIONS: Mapping[str, Function] = {
    "event": lambda app: app.intake.receive(dict(schedule().recordings[0].requests[0].events[0])),
    "job": lambda app: app.archiving.handle(_job()),
    "sweep": lambda app: app.sweep.run(),
}
