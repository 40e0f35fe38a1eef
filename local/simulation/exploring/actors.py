"""What an invocation does next, after the answers that it has got: its process runs alone, without any storage.

An actor depends only on its answers and on the clock, so all that it can do is a graph. A node of the graph is reached
by events: an answer to one of the actor's calls, or that time has passed. The calls that wait at a node can be applied
to any content. A process can't be copied. So the first event that follows a node continues the process at that node,
and another event repeats all events from the beginning in a new process.

Two lists of events lead to one node if the process then remembers the same (`forgets`). Without that, each task must
have got the same answers, the same failures must have come in the same order, and the same calls and timers must wait.
"""

import gc
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from local.memory.clients import MemoryClients
from local.memory.storage.account import Account, Operation
from local.simulation.exploring.accesses import Footprints
from local.simulation.exploring.digests import names_in
from local.simulation.exploring.processes import Event, LoneProcess
from local.simulation.settings import simulated_settings
from local.simulation.world.cluster import Function, Outcome
from local.simulation.world.sources import SimulatedAcs
from local.simulation.world.topic import SimulatedTopic

_KEPT = 400  # processes of an actor that stand at a node and may be continued
_COLLECT_EVERY = 1000  # processes

Label = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Waiting:
    """A call that waits for its answer. `touches`: its accesses."""

    place: int
    name: bytes
    operation: Operation
    apply: Callable[[], Any]
    touches: int


@dataclass(eq=False)
class Node:
    """Where an actor stands. `names`: the names in ETags that it knows. `touches`: the accesses of its calls.

    `future`: all accesses that it was seen to make from here on.
    """

    number: int
    event: Event | None
    parents: list["Node"]
    calls: tuple[Waiting, ...]
    timer: float | None
    outcome: Outcome | None
    wrong: tuple[str, ...]
    names: frozenset[str]
    label: Label
    touches: int
    future: int = 0
    next: dict[Any, "Node"] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        return self.outcome is not None and not self.calls and self.timer is None

    def events(self) -> list[Event]:
        """Some events that lead here."""
        found, node = list[Event](), self
        while node.event is not None:
            found.append(node.event)
            node = node.parents[0]
        return found[::-1]


class Actor:
    """One invocation in a process of its own, and the graph of what it can do."""

    def __init__(  # noqa: PLR0913, PLR0917 - what an invocation consists of
        self,
        place: int,
        begins: float,
        name: str,
        function: Function,
        seen: tuple[Account, SimulatedAcs, SimulatedTopic],
        footprints: Footprints,
        *,
        forgets: bool,
    ) -> None:
        account, acs, topic = seen
        self._place, self._name, self._function, self._footprints = place, name, function, footprints
        self._forgets = forgets
        self._account = account.seen_by(self._turn)
        self._clients = MemoryClients(
            self._account,
            cast("Any", acs.for_account(self._account)),
            simulated_settings(),
            topic=topic.for_account(self._account),
        )
        self._process: LoneProcess | None = None  # that runs now
        self._standing: OrderedDict[Node, LoneProcess] = OrderedDict()
        self._nodes: dict[bytes, Node] = {}
        self.processes = 0
        self.root = Node(0, None, [], (), begins, None, (), frozenset(), (place, "begins"), 0)
        self._standing[self.root] = self._new()

    async def _turn(self, operation: Operation, apply: Callable[[], Any], /) -> Any:
        if self._process is None:
            raise GeneratorExit  # an abandoned process cleans up
        return await self._process.asks(operation, apply)

    @property
    def nodes(self) -> int:
        """How many have been reached."""
        return len(self._nodes)

    def close(self) -> None:
        """Ends the processes that stand somewhere."""
        while self._standing:
            self._standing.popitem()[1].abandon()

    def after(self, node: Node, event: Event) -> Node:
        """The node that an event leads to."""
        found = node.next.get(event)
        if found is None:
            process = self._standing.pop(node, None) or self._repeated(node)
            self._show(process, event)
            memory = process.memory() if self._forgets else None
            digest = process.digest(memory)
            found = self._nodes.get(digest)
            if found is None:
                names = node.names | names_in(event.answer) if memory is None else names_in(memory)
                found = self._nodes[digest] = self._reached(process, node, event, names)
            else:
                process.abandon()
            node.next[event] = found
            if node not in found.parents:
                found.parents.append(node)
        return found

    def _reached(self, process: LoneProcess, parent: Node, event: Event, names: frozenset[str]) -> Node:
        calls = tuple(
            Waiting(self._place, name, operation, apply, self._footprints.of(operation))
            for name, operation, apply in process.waiting()
        )
        touches = 0
        for one in calls:
            touches |= one.touches
        node = Node(
            len(self._nodes) + 1,
            event,
            [parent],
            calls,
            process.timer(),
            process.outcome,
            process.wrong(),
            names,
            (self._place, *((one.operation.method, one.operation.target, one.operation.part) for one in calls)),
            touches,
        )
        if node.has_ended:
            process.abandon()
            return node
        self._standing[node] = process
        if len(self._standing) > _KEPT:
            self._standing.popitem(last=False)[1].abandon()
        return node

    def _new(self) -> LoneProcess:
        self.processes += 1
        if self.processes % _COLLECT_EVERY == 0:
            gc.collect()
            gc.freeze()  # what is left is part of the graph
        return LoneProcess(self._place, self._name, self._function, self._account, self._clients)

    def _repeated(self, node: Node) -> LoneProcess:
        process = self._new()
        for event in node.events():
            self._show(process, event)
        return process

    def _show(self, process: LoneProcess, event: Event) -> None:
        self._process = process
        try:
            process.sees(event)
        finally:
            self._process = None


def ancestors(node: Node, future: int) -> Iterator[Node]:
    """The node and those before it that don't know yet of these accesses. They are expected to learn of them."""
    waiting, seen = [node], {node}
    while waiting:
        one = waiting.pop()
        if one.future & future != future:
            yield one
            for parent in one.parents:
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
