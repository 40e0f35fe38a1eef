"""What follows a race: the platform runs in one fixed order until nothing is left to do, and the end is judged."""

from contextvars import Context

from local.simulation.exploring.contents import Content
from local.simulation.exploring.races import Race
from local.simulation.exploring.states import State, Transitions
from local.simulation.exploring.worlds import FixedWorld
from local.simulation.judging.invariants import Violated
from local.simulation.world.cluster import TrueTime
from local.simulation.world.loop import Stuck
from local.simulation.world.outside import Call

_AGAIN = 10.0  # seconds until Event Grid delivers an event again
_IDS = 1  # a seed, so that new processes choose other ids than those of the race


class Afterwards:
    """Runs new worlds on the storage of a race."""

    def __init__(self, transitions: Transitions) -> None:
        self._race = transitions

    def violations(self, state: State) -> list[str]:
        """What is wrong at the end."""
        world = FixedWorld(self._race.world.schedule)
        try:
            world.complete(self._run(world, state))
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
        world.cluster.seed = _IDS
        await world.begin()
        self._take_over(world, state.content)
        for late in state.late:
            process = self._race.processes[late.call.place]
            call = Call(process, late.call.operation, late.call.apply, world.loop.create_future(), delayed=True)
            world.loop.call_later(late.due - state.time, world.outside.waiting.append, call, context=Context())
        world.triggers.start()
        settle(world, self._race.race, state.done)
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
        world.leases.resume(race.leases.holders)


def settle(world: FixedWorld, race: Race, done: frozenset[str]) -> None:
    """Lets the platform go on with the message and the event that the actors of a race were deliveries of.

    The queue removes a message after a successful job. Event Grid delivers an event again that nobody acknowledged.
    """
    if race.before and "job" in done:
        world.account.queues[world.settings.chunks_queue].messages.pop(0)
    if "event" not in done and any(name == "event" for _, name in race.actors):
        request = world.schedule.recordings[0].requests[0]
        world.triggers.event_grid.publish(world.loop.time() + _AGAIN, list(request.events))
