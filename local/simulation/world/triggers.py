"""What invokes the app's functions: the queue listener, the timers, Event Grid, and people.

Nothing here polls. The queue and the worklist are read again when a call has changed them or when something in them
becomes due. A sweep that would find no due row is skipped, because it changes nothing.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from azure.storage.blob import ContentSettings

from local.memory.storage.account import Account, Service
from local.memory.storage.block_blobs import Written
from local.memory.storage.queues import MemoryQueueClient
from local.simulation.world.cluster import BEGIN, Cluster, Function, Host, Outcome, TrueTime
from local.simulation.world.loop import VirtualLoop
from local.simulation.world.outside import Call
from local.simulation.world.trace import Trace
from shared.contracts.jobs import ChunkJob
from shared.settings.settings import Settings

_HIDDEN = 600  # seconds that a host hides a message for, and renews every 300 while the function runs
_RENEWAL = 300.0
_AGAIN = 60  # seconds: `visibilityTimeout` of host.json
_DELIVERIES = 5  # `maxDequeueCount`
_JOBS = 8  # `batchSize`
_MINUTE = 60.0
_DEAD_LETTERS_EVERY = 300.0
_EVENT_SECONDS = 30.0  # that Event Grid waits for an answer
_EVENT_PAUSES = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)  # the last one repeats
_EVENT_DELIVERIES = 30
_LONG_AGO = "2000-01-01T00:00:00+00:00"


@dataclass
class Triggers:
    """The parts of Azure that call the app.

    `lost` and `worn` are the numbers of jobs that the queue loses, and of jobs that have failed four times before.
    """

    loop: VirtualLoop
    cluster: Cluster
    account: Account
    settings: Settings
    chance: random.Random
    trace: Trace
    lost: frozenset[int] = frozenset()
    worn: frozenset[int] = frozenset()
    harmed: Callable[[str], None] = lambda _: None
    undelivered: int = 0
    invocations: int = 0
    _sent: int = 0
    _queue_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _worklist_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Future[Any]] = field(default_factory=set)

    def start(self) -> None:
        self._clock = TrueTime(self.loop)
        self._queues = {
            name: MemoryQueueClient(self.account, name)
            for name in (self.settings.chunks_queue, self.settings.poison_queue)
        }
        self._spawn(self._listen(self.settings.chunks_queue, self._job))
        self._spawn(self._listen(self.settings.poison_queue, self._poison_job))
        self._spawn(self._sweep())
        self._spawn(self._process_dead_letters())

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _spawn(self, coroutine: Any) -> None:
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def saw(self, call: Call) -> None:
        """A call was applied: wakes whoever reads what it may have changed."""
        operation = call.operation
        if operation.service is Service.QUEUE and operation.writes:
            self._queue_changed.set()
        elif operation.service is Service.TABLE and operation.target == self.settings.worklist_table:
            self._worklist_changed.set()

    # Invocations

    async def _invoke(self, host: Host, name: str, function: Function) -> Outcome:
        self.invocations += 1
        return await self.cluster.invoke(host, name, function)

    async def _some_host(self) -> Host:
        host = self.cluster.some_host()
        while host is None:
            await asyncio.sleep(1)
            host = self.cluster.some_host()
        return host

    # The queue

    def _job(self, body: str) -> tuple[str, Function]:
        return "archive_chunk", lambda app: app.archiving.handle(ChunkJob.decode(body))

    def _poison_job(self, body: str) -> tuple[str, Function]:
        return "keep_poison_message", lambda app: app.poison.keep(body.encode())

    def _messages(self, name: str) -> list[Any]:
        queue = self.account.queues.get(name)
        return [] if queue is None else list(queue.messages)

    async def _listen(self, name: str, function: Callable[[str], tuple[str, Function]]) -> None:
        while True:
            now = self._clock.now()
            messages = self._messages(name)
            hosts = self.cluster.idle_hosts(_JOBS)
            visible = [one for one in messages if one.visible <= now]
            if visible and hosts:
                message, host = self.chance.choice(visible), self.chance.choice(hosts)
                self._take(name, message, host, function)
                continue
            await self._until([one.visible for one in messages if one.visible > now], visible)

    async def _until(self, dues: list[datetime], blocked: list[Any]) -> None:
        """Waits until the queue changes, a message becomes visible, or a host may be free again."""
        seconds = (min(dues) - self._clock.now()).total_seconds() if dues else None
        if blocked:
            seconds = 1.0
        self._queue_changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._queue_changed.wait()
        except TimeoutError:
            return

    def _take(self, name: str, message: Any, host: Host, function: Callable[[str], tuple[str, Function]]) -> None:
        """Receives one message for a host."""
        message.visible = self._clock.now() + timedelta(seconds=_HIDDEN)
        message.receipt, message.dequeued = self.account.new_id(), message.dequeued + 1
        if message.dequeued == 1 and name == self.settings.chunks_queue:
            self._sent += 1
            if self._sent in self.lost:
                self.trace.step("queue", "loses a job")
                self.account.queues[name].messages.remove(message)
                return
            if self._sent in self.worn:
                message.dequeued = _DELIVERIES
        host.jobs += 1
        self._spawn(self._hand_over(name, message, host, function(message.text)))

    async def _hand_over(self, name: str, message: Any, host: Host, function: tuple[str, Function]) -> None:
        """Runs the function for a message, and settles the message when the function has ended."""
        receipt = message.receipt
        renewing = self.loop.create_task(self._renew(name, message, host))
        try:
            if message.dequeued > _DELIVERIES:
                outcome = Outcome.FAILED
            else:
                outcome = await self._invoke(host, *function)
        finally:
            renewing.cancel()
            host.jobs -= 1
        await self._settle(name, message, receipt, outcome)
        self._queue_changed.set()

    async def _renew(self, name: str, message: Any, host: Host) -> None:
        while True:
            await asyncio.sleep(_RENEWAL)
            if host in self.cluster.hosts and message in self._messages(name):
                message.visible = self._clock.now() + timedelta(seconds=_HIDDEN)

    async def _settle(self, name: str, message: Any, receipt: str, outcome: Outcome) -> None:
        if outcome is Outcome.HOST_GONE or message not in self._messages(name) or message.receipt != receipt:
            return  # nobody gives the message back, or another host has it
        messages = self.account.queues[name].messages
        if outcome is Outcome.DONE:
            messages.remove(message)
        elif message.dequeued < _DELIVERIES:
            message.visible = self._clock.now() + timedelta(seconds=_AGAIN)
        elif name == self.settings.poison_queue:
            messages.remove(message)  # the real host skips it from now on
        else:
            self.trace.step("queue", "moves a message to the poison queue")
            if self.settings.poison_queue not in self.account.queues:
                await self._queues[self.settings.poison_queue].create_queue()
            await self._queues[self.settings.poison_queue].send_message(message.text, time_to_live=-1)
            if message in messages:
                messages.remove(message)

    # Timers

    async def _sweep(self) -> None:
        """Every minute on some host, and never twice at once."""
        while True:
            await self._next_sweep()
            host = await self._some_host()
            if any(due <= self._clock.now() + host.skew for due in self._dues()):
                await self._invoke(host, "sweep", lambda app: app.sweep.run())

    def _dues(self) -> list[datetime]:
        """When rows of the worklist are due. A row without a time is due at once."""
        rows = self.account.tables[self.settings.worklist_table].rows.values()
        return [datetime.fromisoformat(row.entity.get("dueAt") or _LONG_AGO) for row in rows]

    async def _next_sweep(self) -> None:
        """Waits for the first full minute at which a row is due by any host's clock."""
        while True:
            dues, now = self._dues(), self.loop.time()
            minute = (now // _MINUTE + 1) * _MINUTE
            if dues:
                ahead = max((host.skew for host in self.cluster.hosts), default=timedelta())
                due = (min(dues) - ahead - BEGIN).total_seconds()
                minute = max(minute, -(-due // _MINUTE) * _MINUTE)
            self._worklist_changed.clear()
            try:
                async with asyncio.timeout(minute - now if dues else None):
                    await self._worklist_changed.wait()
            except TimeoutError:
                return

    async def _process_dead_letters(self) -> None:
        while True:
            await asyncio.sleep(_DEAD_LETTERS_EVERY)
            if self.account.containers[self.settings.deadletter_container].names():
                await self._invoke(await self._some_host(), "process_dead_letters", lambda app: app.dead_letters.run())
            elif not self.undelivered:
                await self._wait_for_events()

    async def _wait_for_events(self) -> None:
        """No dead letter can appear before another event is published."""
        while not self.undelivered:  # noqa: ASYNC110 - no event is set for it
            await asyncio.sleep(3600)

    # Event Grid

    def publish(self, at: float, events: list[dict[str, Any]], *, acknowledged: bool = True) -> None:
        """Delivers events in one request. `acknowledged`: whether the first success reaches Event Grid."""
        self.undelivered += 1
        self._spawn(self._deliver(at, events, acknowledged=acknowledged))

    async def _deliver(self, at: float, events: list[dict[str, Any]], *, acknowledged: bool) -> None:
        await asyncio.sleep(at - self.loop.time())
        ends = self.loop.time() + self.settings.retention.total_seconds() / 2  # as infra sets it
        for number in range(_EVENT_DELIVERIES):
            if await self._delivered(events):
                if acknowledged:
                    self.undelivered -= 1
                    return
                acknowledged = True
            pause = _EVENT_PAUSES[min(number, len(_EVENT_PAUSES) - 1)]
            if self.loop.time() + pause > ends:
                break
            await asyncio.sleep(pause * self.chance.uniform(1, 1.2))
        self._dead_letter(events)
        self.undelivered -= 1

    def bury(self, at: float, events: list[dict[str, Any]]) -> None:
        """Dead-letters events that were never delivered."""
        self.undelivered += 1
        self._spawn(self._buried(at, events))

    async def _buried(self, at: float, events: list[dict[str, Any]]) -> None:
        await asyncio.sleep(at)
        self._dead_letter(events)
        self.undelivered -= 1

    def _dead_letter(self, events: list[dict[str, Any]]) -> None:
        self.trace.step("events", "are dead-lettered")
        blobs = self.account.containers[self.settings.deadletter_container]
        blobs.put(f"letters/{self.account.new_id()}.json", _letter(events), overwrite=True)

    async def _delivered(self, events: list[dict[str, Any]]) -> bool:
        """Whether all invocations for one request ended well in time. Those that didn't go on."""
        host = await self._some_host()
        bodies = [json.dumps(event) for event in events]
        ends = [
            self.cluster.invoke(host, "on_recording_event", lambda app, body=body: app.intake.deliver(body))  # type: ignore[misc]
            for body in bodies
        ]
        self.invocations += len(ends)
        done, waiting = await asyncio.wait(ends, timeout=_EVENT_SECONDS)
        return not waiting and all(end.result() is Outcome.DONE for end in done)

    # People

    def ask(self, at: float, name: str, function: Function) -> None:
        """Sends an HTTP request at some time. It may fail."""
        self._spawn(self._asked(at, name, function))

    async def _asked(self, at: float, name: str, function: Function) -> None:
        await asyncio.sleep(at)
        await self._invoke(await self._some_host(), name, function)

    def tamper(self, at: float, document_id: str, replacement: bytes | None) -> None:
        """Somebody removes or replaces the archived media of a document, if its source isn't deleted yet."""
        self._spawn(self._tampered(at, document_id, replacement))

    async def _tampered(self, at: float, document_id: str, replacement: bytes | None) -> None:
        await asyncio.sleep(at)
        while any(host.jobs for host in self.cluster.hosts):  # noqa: ASYNC110 - no event is set for it
            await asyncio.sleep(1)  # between its check and the delete, a job can't notice it
        source = next(one for one in self.cluster.acs.sources if one.document_id == document_id)
        archive = self.account.containers[self.settings.archive_container]
        media = [name for name in archive.names() if document_id in name and not name.endswith(".json")]
        if not media or source.is_deleted:
            return
        self.trace.step("somebody", f"{'removes' if replacement is None else 'replaces'} {media[0]}")
        if replacement is None:
            archive.delete(media[0], None)
        else:
            archive.put(media[0], Written(replacement, ContentSettings(), {}), overwrite=True)
        self.harmed(media[0])

    # The end

    def is_idle(self) -> bool:
        """Whether nothing is left to do, as far as raw storage shows."""
        return not (
            self.undelivered
            or any(host.running for host in self.cluster.hosts)
            or self.account.tables[self.settings.worklist_table].rows
            or any(queue.messages for queue in self.account.queues.values())
            or self.account.containers[self.settings.deadletter_container].names()
        )


def _letter(events: list[dict[str, Any]]) -> Written:
    return Written(json.dumps(events).encode(), ContentSettings(), {})
