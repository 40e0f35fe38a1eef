"""One order of a race again, in a whole world and with a trace.

The exploration runs each invocation alone, and storage by itself. Here the same moves are made where everything runs
together, as in a random run. So a replay also checks the exploration: both must come to the same end.
"""

import asyncio
from collections.abc import Sequence

from local.simulation.exploring.afterwards import settle
from local.simulation.exploring.contents import Content, Outside
from local.simulation.exploring.races import FUNCTIONS, LASTS, Race
from local.simulation.exploring.states import Move
from local.simulation.exploring.worlds import FixedWorld
from local.simulation.judging.invariants import Violated
from local.simulation.world.cluster import Outcome
from local.simulation.world.faults import Injected
from local.simulation.world.loop import Stuck
from local.simulation.world.outside import Call


class Replay:
    """Makes the given moves, and then those of the fixed order."""

    def __init__(self, race: Race, moves: Sequence[Move]) -> None:
        self._race, self._moves = race, list(moves)
        self.world = FixedWorld(keeps_trace=True)
        self._made = asyncio.Event()
        self.content: Content | None = None  # when the race is over

    def run(self) -> list[str]:
        """The trace, and what was violated."""
        try:
            self.world.complete(self._run())
            found = self.world.endings.violations()
        except (Violated, Stuck) as violated:
            found = [str(violated)]
        found += self.world.cluster.unforeseen
        self.world.loop.abandon()
        return [*self.world.trace.lines, *(f"VIOLATED: {one}" for one in found)]

    async def _run(self) -> None:
        world = self.world
        await world.prepare(self._race)
        if not self._moves:
            self._made.set()
        world.outside.pick = self._pick
        actors = [
            world.loop.create_task(self._act(place, at, name)) for place, (at, name) in enumerate(self._race.actors)
        ]
        outcomes = [await actor for actor in actors]
        await self._made.wait()  # requests that an invocation had sent when it failed can still be waiting
        self.content = Outside(world.account, world.acs, world.topic, world.invariants).saved()
        world.triggers.start()
        done = {name for (_, name), outcome in zip(self._race.actors, outcomes, strict=True) if outcome is Outcome.DONE}
        settle(world, self._race, frozenset(done))
        await world.end()

    async def _act(self, place: int, at: float, name: str) -> Outcome:
        await asyncio.sleep(at)
        return await self.world.cluster.invoke(self.world.cluster.hosts[place], name, FUNCTIONS[name])

    def _pick(self, waiting: Sequence[Call]) -> int:
        outside = self.world.outside
        for number, call in enumerate(waiting):
            if call.answer.cancelled() or not (call.process.runs or call.delayed):
                return number  # is dropped
        if not self._moves:
            return 0
        move = self._moves.pop(0)
        if not self._moves:
            self._made.set()
        if move.fault is not None:
            number = outside.count + 1
            outside.faults = {number: Injected(call=number, fault=move.fault, seconds=LASTS)}
        process, is_late = f"host{move.call.place + 1}.1", move.late is not None
        return next(
            number
            for number, call in enumerate(waiting)
            if call.process.name == process and call.operation == move.call.operation and call.delayed == is_late
        )
