"""Every order of a race, with faults at every call: depth first, and none is left out.

An order that reaches a known state isn't followed further. Of the orders that differ only in independent calls, one is
followed (partial-order reduction by persistent sets): where everything that an actor's next calls touch is nothing that
the other actors can still influence, only that actor moves. What the others can still touch is learned: it is what
they were ever seen to touch from the same waiting calls on. If that turns out to be too little for a decision that was
made, the exploration begins again with what it has learned, so that no decision of a finished exploration is wrong.
"""

import functools
import operator
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from local.simulation.exploring.accesses import Footprints
from local.simulation.exploring.actors import Label, Node, ancestors
from local.simulation.exploring.afterwards import Afterwards
from local.simulation.exploring.races import Race
from local.simulation.exploring.states import Move, State, Transitions
from local.simulation.judging.invariants import Violated
from local.simulation.world.loop import Stuck

_GLANCE = 256  # calls between two looks at the clock


@dataclass
class Covered:
    """How far an exploration came. `remaining`: alternatives that weren't followed."""

    race: Race
    faults: int
    orders: int = 0
    states: int = 0
    calls: int = 0
    ends: int = 0
    remaining: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)
    moves: tuple[Move, ...] = ()  # of the order that violated something


class Learned(Exception):
    """An actor touches something that wasn't expected of it when a decision was made."""


class _Enough(Exception):
    """The limit is reached, or a violation is found."""


class Futures:
    """What actors can still touch, by the calls that they wait for."""

    def __init__(self, footprints: Footprints) -> None:
        self._footprints = footprints
        self._touched: dict[Label, int] = defaultdict(int)
        self._relied: dict[Label, int] = defaultdict(int)
        self._seen: set[tuple[Node | None, Node]] = set()

    def forget_decisions(self) -> None:
        self._relied.clear()

    def learn(self, parent: Node | None, node: Node) -> None:
        """The node follows its parent. Raises Learned if a decision relied on what it touches not being possible."""
        if (parent, node) in self._seen:
            return
        self._seen.add((parent, node))
        future, is_wrong = node.future | node.touches, False
        for one in [*ancestors(node, future), *(ancestors(parent, future) if parent else ())]:
            one.future |= future
            new = future & ~self._touched[one.label]
            if new:
                self._touched[one.label] |= new
                is_wrong |= self._footprints.depend(new, self._relied[one.label])
        if is_wrong:
            raise Learned

    def are_apart(self, touches: int, others: list[Node]) -> bool:
        """Whether none of the nodes can influence these accesses from now on. If so, that is relied on."""
        if any(self._footprints.depend(touches, one.touches | self._touched[one.label]) for one in others):
            return False
        for one in others:
            self._relied[one.label] |= touches
        return True


class Exploration:
    """Explores a race. Without `reduces`, all calls are followed in every order."""

    def __init__(self, race: Race, *, reduces: bool = True) -> None:
        self._race, self._reduces = race, reduces
        self.transitions = Transitions(race, forgets=reduces)
        self._afterwards = Afterwards(self.transitions)
        self._futures = Futures(self.transitions.footprints)
        self._judged: set[bytes] = set()
        self.ends: set[bytes] = set()

    def close(self) -> None:
        """Ends what the actors have begun."""
        self.transitions.close()

    def explore(self, faults: int, *, seconds: float | None = None) -> Covered:
        """Follows every order with at most so many faults, or what is possible in a time."""
        began = time.process_time()
        self._until = None if seconds is None else began + seconds
        self._moves: list[Move] = []
        while True:
            self._covered, self._known = Covered(self._race, faults), dict[bytes, int]()
            self._futures.forget_decisions()
            self._moves.clear()
            try:
                self._covered.orders = self._follow(self.transitions.begin(faults))
            except Learned:
                continue
            except _Enough:
                pass
            break
        self._covered.states, self._covered.ends = len(self._known), len(self.ends)
        self._covered.seconds = time.process_time() - began
        return self._covered

    def _follow(self, state: State) -> int:
        """Follows every order from a state. Returns their number."""
        key = state.key()
        known = self._known.get(key)
        if known is not None:
            return known
        if state.is_over:
            self._judge(state, key)
            orders = 1
        else:
            orders = self._followed(state)
        self._known[key] = orders
        return orders

    def _followed(self, state: State) -> int:
        moves = self.transitions.moves(state)
        if not moves:
            after = self._checked(self.transitions.later, state)
            self._learn(state, after)
            return self._follow(after)
        if self._reduces:
            moves = self._persistent(state, moves)
        alternatives = [one for move in moves for one in self.transitions.with_faults(state, move)]
        self._covered.remaining += len(alternatives)
        orders = 0
        for move in alternatives:
            self._covered.calls += 1
            if self._covered.calls % _GLANCE == 0 and self._until is not None and time.process_time() > self._until:
                raise _Enough
            self._moves.append(move)
            after = self._checked(self.transitions.after, state, move)
            self._learn(state, after)
            orders += self._follow(after)
            self._moves.pop()
            self._covered.remaining -= 1
        return orders

    def _learn(self, before: State, after: State) -> None:
        for parent, node in zip(before.nodes, after.nodes, strict=True):
            if node and parent is not node:
                self._futures.learn(parent, node)

    def _checked(self, go: Callable[..., State], *given: State | Move) -> State:
        try:
            return go(*given)
        except (Violated, Stuck) as violated:
            self._found(str(violated))

    def _found(self, *violations: str) -> NoReturn:
        self._covered.violations += violations
        self._covered.moves = tuple(self._moves)
        raise _Enough

    def _judge(self, state: State, key: bytes) -> None:
        if key not in self._judged:
            violations = self._afterwards.violations(state)
            if violations:
                self._found(*violations)
            self._judged.add(key)
        self.ends.add(key)

    def _persistent(self, state: State, moves: list[Move]) -> list[Move]:
        """The moves of one actor that none of the others can influence, or all.

        Reads that an actor has sent side by side are answered in one order, where that is possible.
        """
        for node in state.nodes:
            if node and node.calls:
                others = [one for one in state.nodes if one and one is not node]
                reads = not any(call.operation.writes for call in node.calls)
                groups = [(call,) for call in node.calls] if reads else [node.calls]
                for group in groups:
                    touches = functools.reduce(operator.or_, (call.touches for call in group))
                    if self._is_apart(touches, others, state):
                        return [Move(call) for call in group]
        return moves

    def _is_apart(self, touches: int, others: list[Node], state: State) -> bool:
        is_late = any(self.transitions.footprints.depend(touches, one.call.touches) for one in state.late)
        return not is_late and self._futures.are_apart(touches, others)
