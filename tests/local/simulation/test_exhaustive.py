"""Every order of a small race is followed, and an order that violates an invariant is found and can be repeated."""

import logging
import random
import subprocess
import sys
from contextlib import closing

import pytest

from local.memory.storage.account import Operation, Service
from local.simulation.exploring.accesses import Footprints
from local.simulation.exploring.exploration import Covered, Exploration
from local.simulation.exploring.memory import Memory
from local.simulation.exploring.races import RACES, Race
from local.simulation.exploring.replaying import Replay
from local.simulation.exploring.states import Move, Transitions
from shared.domain.random_source import RandomSource
from shared.domain.records import Chunk
from shared.intake.known_chunks import KnownChunks

_EVENTS = next(race for race in RACES if race.name == "an event and its redelivery")
_JOBS = next(race for race in RACES if race.name == "a job and its redelivery")
_LATER = next(race for race in RACES if race.name == "a job, and its redelivery after the lease")
_ANNOUNCED_AGAIN = next(race for race in RACES if race.name == "a job and the event's redelivery")
_SWEPT = next(race for race in RACES if race.name == "a late job and the sweep")


@pytest.fixture(autouse=True)
def _quiet():
    """Formatting the log would take longer than the runs."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _explored(race: Race, faults: int, *, reduces: bool = True) -> tuple[Covered, set[bytes]]:
    with closing(Exploration(race, reduces=reduces)) as exploration:
        return exploration.explore(faults), exploration.ends


def _is_whole(covered: Covered) -> bool:
    return not covered.violations and covered.remaining == 0 and covered.orders > 0


def test_no_fault_at_any_call_violates_anything():
    covered, _ = _explored(_EVENTS, 1)
    assert _is_whole(covered)
    assert covered.states > 500


@pytest.mark.parametrize(
    ("race", "faults"),
    [(_EVENTS, 0), (_JOBS, 0), (_ANNOUNCED_AGAIN, 0), (_SWEPT, 0), (_LATER, 1)],
    ids=lambda one: getattr(one, "name", one),
)
def test_the_reduced_exploration_comes_to_the_same_ends_as_the_full_one(race: Race, faults: int):
    full, ends_of_full = _explored(race, faults, reduces=False)
    reduced, ends = _explored(race, faults)
    assert _is_whole(full)
    assert _is_whole(reduced)
    assert reduced.states < full.states
    assert ends == ends_of_full


def test_a_defect_that_needs_one_order_and_one_fault_is_found_and_repeated(monkeypatch: pytest.MonkeyPatch):
    """A delivery fails after it has written the chunk, and the next one doesn't queue a known chunk."""

    async def forgets(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(KnownChunks, "announced_again", forgets)
    covered, _ = _explored(_EVENTS, 1)
    assert "hasn't ended" in covered.violations[0]
    lines = Replay(_EVENTS, covered.moves).run()
    assert covered.violations[0] in lines[-len(covered.violations)]
    assert lines == Replay(_EVENTS, covered.moves).run()


def test_a_worker_that_ignores_the_lease_of_another_one_is_found_and_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Chunk, "is_leased", lambda *_: False)
    covered, _ = _explored(_JOBS, 0)
    assert covered.violations == ["0-eus-rec0-0 was taken from a worker whose lease hasn't ended"]
    assert covered.violations[0] in Replay(_JOBS, covered.moves).run()[-1]


@pytest.mark.parametrize(
    ("race", "mutant"),
    [
        (_EVENTS, "first-event-wins"),
        (_LATER, "refused-announcements-are-dropped"),
        (_EVENTS, "source-is-deleted-first"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_known_defect_is_found(race: Race, mutant: str):
    arguments = ["--exhaustive", "--race", str(RACES.index(race)), "--faults", "1", "--mutant", mutant]
    run = subprocess.run(
        [sys.executable, "-m", "local.simulation", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "VIOLATED" in run.stdout


@pytest.mark.parametrize("race", [_EVENTS, _JOBS, _LATER, _SWEPT], ids=lambda race: race.name)
def test_invocations_that_run_alone_do_what_they_do_in_a_whole_world(race: Race):
    """Random orders with faults: the exploration and the simulated world come to the same content."""
    transitions = Transitions(race)
    for seed in range(6):
        random_source, state, moves = random.Random(seed), transitions.begin(2), list[Move]()
        while not state.is_over:
            possible = [one for move in transitions.moves(state) for one in transitions.with_faults(state, move)]
            if possible:
                plain = [one for one in possible if one.fault is None]
                moves.append(random_source.choice(plain if random_source.random() < 0.9 else possible))
                state = transitions.after(state, moves[-1])
            else:
                state = transitions.later(state)
        replay = Replay(race, moves)
        replay.run()
        assert replay.content is not None
        assert replay.content.key(frozenset()) == state.content.key(frozenset())
    transitions.close()


def test_a_process_that_has_drawn_a_random_number_is_at_another_point():
    random_source = RandomSource(random.Random(1))
    parts = {id(random_source): random_source}
    before = Memory(parts).text([])
    random_source.new_id()
    assert Memory(parts).text([]) != before


def test_calls_depend_on_each_other_if_they_touch_the_same_rows_and_one_writes():
    def row(key: str, *, writes: bool = True) -> Operation:
        return Operation(service=Service.TABLE, method="any", target="worklist", writes=writes, part=(key,))

    footprints = Footprints()
    query = footprints.of(row("PartitionKey eq 'a' and dueAt le 'x'", writes=False))
    written, elsewhere = footprints.of(row("a/1")), footprints.of(row("b/1"))
    assert footprints.depend(query, written)
    assert footprints.depend(written, written)
    assert not footprints.depend(query, query)
    assert not footprints.depend(query, elsewhere)
    assert footprints.depend(footprints.of(row("dueAt le 'x'", writes=False)), elsewhere)
