"""What follows a race: the platform runs in one fixed order until nothing is left to do, and the end is judged."""

from contextvars import Context
from datetime import timedelta

from local.simulation.exploring.contents import Content
from local.simulation.exploring.states import State, Transitions
from local.simulation.exploring.worlds import FixedWorld
from local.simulation.judging.invariants import Violated
from local.simulation.world.cluster import TrueTime
from local.simulation.world.loop import Stuck
from local.simulation.world.outside import Call
from local.simulation.world.processes import Process


class Afterwards:
    """Runs new worlds on the storage of a race."""

    def __init__(self, transitions: Transitions) -> None:
        self._race = transitions

    def violations(self, state: State) -> list[str]:
        """What is wrong at the end."""
        world = FixedWorld(self._race.world.schedule)
        try:
            world.loop.run_until_complete(self._run(world, state))
            found = world.endings.violations()
        except (Violated, Stuck) as violated:
            found = [str(violated)]
        finally:
            self._race.account.clock = self._race.clock
            self._race.names.take_over(self._race.account)
        found += world.cluster.unforeseen
        world.loop.abandon()
        return found

    async def _run(self, world: FixedWorld, state: State) -> None:
        world.loop.spend(state.time)
        await world.begin()
        self._take_over(world, state.content)
        for late in state.late:
            process = Process(name=f"host{late.call.place + 1}.0", skew=timedelta())
            call = Call(process, late.call.operation, late.call.apply, world.loop.create_future(), delayed=True)
            world.loop.call_later(late.due - state.time, world.outside.waiting.append, call, context=Context())
        if state.is_done:
            remove_message(world)
        world.triggers.start()
        await world.end()

    def _take_over(self, world: FixedWorld, content: Content) -> None:
        """Makes the race's storage, ACS and topic those of the new world."""
        race, account = self._race, world.account
        race.account.clock = TrueTime(world.loop)
        world.names.take_over(race.account)
        race.outside.restore(content)
        account.tables, account.queues, account.containers = (
            race.account.tables,
            race.account.queues,
            race.account.containers,
        )
        world.acs.deletions, world.topic.announced = race.world.acs.deletions, race.world.topic.announced
        world.invariants.resume(*race.outside.judged(content))


def remove_message(world: FixedWorld) -> None:
    """Removes the message that the jobs of the race were deliveries of: one of them has succeeded."""
    world.account.queues[world.settings.chunks_queue].messages.pop(0)
