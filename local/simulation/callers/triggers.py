"""Starts all callers of the app, tells them which calls concern them, and knows when nothing is left to do."""

from dataclasses import dataclass, field

from local.memory.storage.account import Service
from local.simulation.callers.call_automation import CallAutomation
from local.simulation.callers.event_grid import EventGrid
from local.simulation.callers.history import History
from local.simulation.callers.people import People
from local.simulation.callers.platform import Platform
from local.simulation.callers.queue_listener import QueueListener
from local.simulation.callers.readers import Readers
from local.simulation.callers.recording_callers import RecordingCallers
from local.simulation.callers.timers import Timers
from local.simulation.schedules.calls import CallPlan
from local.simulation.world.outside import Call


@dataclass
class Triggers:
    """The parts of Azure that call the app, and people.

    `lost` and `worn` are the numbers of jobs that the queue loses, and of jobs that have failed four times before.
    """

    platform: Platform
    lost: frozenset[int] = frozenset()
    worn: frozenset[int] = frozenset()
    plans: tuple[CallPlan, ...] = ()
    history: History = field(default_factory=History)
    event_grid: EventGrid = field(init=False)
    people: People = field(init=False)
    readers: Readers = field(init=False)
    calls: CallAutomation = field(init=False)
    callers: RecordingCallers = field(init=False)

    def __post_init__(self) -> None:
        self.event_grid, self.people = EventGrid(self.platform), People(self.platform, self.history)
        self.readers = Readers(self.platform, self.history)
        self.calls = CallAutomation(self.platform, self.event_grid, self.history, self.plans)
        self.callers = RecordingCallers(self.platform, self.history, self.plans)
        self._queue = QueueListener(self.platform, lost=self.lost, worn=self.worn, poisoned=self.history.poisoned)
        self._timers = Timers(self.platform, lambda: self.event_grid.undelivered)

    def start(self) -> None:
        self._queue.start()
        self._timers.start()
        self.calls.start()
        self.callers.start()

    def stop(self) -> None:
        self.platform.stop()

    def saw(self, call: Call) -> None:
        """A call was applied: wakes the callers that read what it may have changed."""
        operation = call.operation
        if not operation.writes:
            return
        if operation.service is Service.QUEUE:
            self._queue.changed()
        elif operation.service is Service.TABLE and operation.target == self.platform.settings.worklist_table:
            self._timers.changed()
        elif self.people.watched and operation.target == self.platform.settings.recordings_table:
            self.people.saw(call)

    def is_idle(self) -> bool:
        """Whether nothing is left to do, as far as raw storage shows."""
        account, settings = self.platform.account, self.platform.settings
        return not (
            self.event_grid.undelivered
            or self.calls.pending
            or self.callers.pending
            or self.readers.pending
            or any(host.running for host in self.platform.cluster.hosts)
            or account.tables[settings.worklist_table].rows
            or any(queue.messages for queue in account.queues.values())
            or account.containers[settings.deadletter_container].names()
        )
