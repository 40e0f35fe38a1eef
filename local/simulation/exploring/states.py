"""States of a race, and the moves that lead from one to the next.

A state is the content of storage, ACS and the topic, where each actor stands, the requests that are applied late, the
faults that are left, and the time. A move is a call with its answer or its fault, or a late request. Time passes only
when no call waits: then it is the next timer's. So a call takes no time, unless a fault says so.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from local.memory.storage.refusals import Refused
from local.simulation.exploring.accesses import Footprints
from local.simulation.exploring.actors import Actor, Node, Waiting
from local.simulation.exploring.contents import Content, Outside
from local.simulation.exploring.digests import digest_of, joined, names_in
from local.simulation.exploring.processes import Event
from local.simulation.exploring.races import DELIVERED, FAULTS, FUNCTIONS, LASTS, Race
from local.simulation.exploring.worlds import Clock, FixedWorld
from local.simulation.judging.invariants import Violated
from local.simulation.world.cluster import Outcome
from local.simulation.world.faults import Fault
from local.simulation.world.loop import Stuck
from local.simulation.world.outside import Call
from local.simulation.world.processes import Process


class Late(NamedTuple):
    """A request that is applied at some time, whatever became of its process."""

    due: float
    call: Waiting
    digest: bytes
    names: frozenset[str]


class Move(NamedTuple):
    """A call that is answered, or that suffers a fault, or a late request that is applied."""

    call: Waiting
    fault: Fault | None = None
    late: Late | None = None


class State(NamedTuple):
    """`nodes` has None for an actor that has ended or died: nothing can depend any more on what it knew."""

    time: float
    left: int  # faults
    nodes: tuple[Node | None, ...]
    late: tuple[Late, ...]
    content: Content
    done: frozenset[str]  # the functions that have succeeded at least once: their message or event is settled

    @property
    def is_over(self) -> bool:
        """Whether the race is over. A request that is still late is applied afterwards."""
        return not any(self.nodes) and not any(one.due <= self.time for one in self.late)

    def key(self) -> bytes:
        """Equal for states that have the same future, but for the names in ETags."""
        known = frozenset[str]().union(*(one.names for one in self.nodes if one), *(one.names for one in self.late))
        return joined(
            self.time,
            self.left if any(self.nodes) else 0,
            [one and one.number for one in self.nodes],
            sorted((one.due, one.digest) for one in self.late),
            sorted(self.done),
            self.content.key(known),
        )


class Transitions:
    """The moves of a race, and what they lead to."""

    def __init__(self, race: Race, *, forgets: bool = True) -> None:
        self.race = race
        world = FixedWorld()
        world.complete(world.prepare(race))
        self.world, self.account, self.names = world, world.account, world.names
        self.invariants, self.leases = world.invariants, world.leases
        self.processes = [Process(name=f"host{place + 1}.0", skew=timedelta()) for place in range(len(race.actors))]
        self.clock = self.account.clock = Clock()
        self.outside = Outside(self.account, world.acs, world.topic, self.invariants)
        self.first = self.outside.saved()
        seen = self.account, world.acs, world.topic
        self.footprints = Footprints()
        self.actors = [
            Actor(place, at, name, FUNCTIONS[name], seen, self.footprints, forgets=forgets)
            for place, (at, name) in enumerate(race.actors)
        ]
        self._effects: dict[tuple[Any, ...], tuple[Content, Any, bytes]] = {}
        world.loop.abandon()

    def close(self) -> None:
        """Ends what the actors have begun."""
        for actor in self.actors:
            actor.close()

    def begin(self, faults: int) -> State:
        """The state before the first call."""
        state = State(0.0, faults, tuple(one.root for one in self.actors), (), self.first, frozenset())
        return self.later(state)

    def moves(self, state: State) -> list[Move]:
        """Every call that can be next, without its faults."""
        return [
            *(Move(call) for node in state.nodes if node for call in node.calls),
            *(Move(one.call, late=one) for one in state.late if one.due <= state.time),
        ]

    def with_faults(self, state: State, move: Move) -> Iterator[Move]:
        """The move, and each fault that it can suffer. A late read is a read whose answer is lost."""
        yield move
        if state.left and move.late is None:
            for fault in FAULTS:
                if fault is not Fault.LATE or move.call.operation.writes:
                    yield Move(move.call, fault)

    def after(self, state: State, move: Move) -> State:
        """Raises Violated if the move breaks an invariant."""
        content = state.content
        answer: Any = None
        identity: Any = move.fault
        if move.fault is not Fault.NOT_SENT and move.fault is not Fault.LATE:
            content, answer, identity = self._applied(state, move.call)
        if move.late is not None:
            return state._replace(content=content, late=tuple(one for one in state.late if one is not move.late))
        if move.fault is None:
            return self._answered(state._replace(content=content), move.call, answer, identity)
        state = state._replace(content=content, left=state.left - 1)
        match move.fault:
            case Fault.NOT_SENT:
                return self._answered(state, move.call, ServiceRequestError("not sent"), move.fault)
            case Fault.LATE:
                payload = vars(move.call.operation), move.call.apply
                late = Late(state.time + LASTS, move.call, digest_of(payload), names_in(payload))
                state = state._replace(late=(*state.late, late))
                return self._answered(state, move.call, ServiceResponseError("answer lost"), Fault.ANSWER_LOST)
            case Fault.ANSWER_LOST:
                return self._answered(state, move.call, ServiceResponseError("answer lost"), move.fault)
            case Fault.DIES_AFTER:
                return self._ended(state, move.call.place, None)
            case _:
                return self._answered(state, move.call, answer, identity, freezes=LASTS)

    def later(self, state: State) -> State:
        """Time passes until the next timer or late request. Raises Stuck if there is none."""
        times = [*(one.timer for one in state.nodes if one and one.timer is not None), *(one.due for one in state.late)]
        if not times:
            raise Stuck("nothing is left that could run")
        state = state._replace(time=min(times))
        for place, node in enumerate(state.nodes):
            if node and node.timer is not None and node.timer <= state.time:
                state = self._stands(state, place, self.actors[place].after(node, Event(state.time)))
        return state

    def _applied(self, state: State, call: Waiting) -> tuple[Content, Any, bytes]:
        """The content after the call, its answer, and a digest of the answer. Equal calls are applied once."""
        before = state.content.parts
        read = tuple(before[one].number for one in self.outside.read_by(call.operation))
        key = (call.name, state.time, read)
        if key not in self._effects:
            content, answer = self._newly_applied(state, call)
            self._effects[key] = content, answer, digest_of(answer)
        content, answer, identity = self._effects[key]
        written = self.outside.place_of(call.operation)
        if written is None or not call.operation.writes:
            return state.content, answer, identity
        parts = (*before[:written], content.parts[written], *before[written + 1 :])
        return Content(parts), answer, identity

    def _newly_applied(self, state: State, call: Waiting) -> tuple[Content, Any]:
        self.outside.restore(state.content, call.operation)
        self.leases.resume(self.leases.holders)
        self.clock.seconds = state.time
        self.names.name_after(call.name, *self.outside.versions(call.operation))
        try:
            answer = call.apply()
        except (Refused, HttpResponseError) as refusal:
            answer = refusal
        self.invariants.check(call.operation)
        self.leases.check(Call(self.processes[call.place], call.operation, call.apply, None))
        return self.outside.changed(state.content, call.operation), answer

    def _answered(self, state: State, call: Waiting, answer: Any, identity: Any, *, freezes: float = 0.0) -> State:
        node = state.nodes[call.place]
        assert node is not None  # noqa: S101 - its call waited
        event = Event(state.time, call.name, identity, freezes, answer)
        return self._stands(state, call.place, self.actors[call.place].after(node, event))

    def _stands(self, state: State, place: int, node: Node) -> State:
        if node.wrong:
            raise Violated(node.wrong[0])
        if node.has_ended:
            return self._ended(state, place, node.outcome)
        return state._replace(nodes=(*state.nodes[:place], node, *state.nodes[place + 1 :]))

    def _ended(self, state: State, place: int, outcome: Outcome | None) -> State:
        name = self.race.actors[place][1]
        done = {name} if outcome is Outcome.DONE and name in DELIVERED else set[str]()
        return state._replace(nodes=(*state.nodes[:place], None, *state.nodes[place + 1 :]), done=state.done | done)
