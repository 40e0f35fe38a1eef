"""The Functions host's queue trigger: jobs and poison messages, without any order.

A message is hidden while its function runs. It comes back after `visibilityTimeout` if the function failed, and stays
hidden if its host is gone. After five failed deliveries it moves to the poison queue. If the queue can't be reached for
40 seconds, an exception of the listener ends some hosts, as seen on the real host.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.memory.storage.account import Service
from local.memory.storage.queues import MemoryQueueClient
from local.simulation.callers.platform import Platform
from local.simulation.world.cluster import Function, Host, Outcome
from local.simulation.world.loop import VirtualLoop
from shared.contracts.jobs import ChunkJob

_HIDDEN = 600  # seconds that a host hides a message for, and renews every 300 while the function runs
_RENEWAL = 300.0
_AGAIN = 60  # seconds: `visibilityTimeout` of host.json
_DELIVERIES = 5  # `maxDequeueCount`
_JOBS = 8  # `batchSize`
_AWAY = 40.0  # seconds without the queue, after which a host may end

type Decode = Callable[[str], tuple[str, Function]]


@dataclass
class QueueListener:
    """Hands messages to hosts.

    `lost` and `worn` are the numbers of jobs that the queue loses, and of jobs that have failed four times before.
    """

    platform: Platform
    lost: frozenset[int] = frozenset()
    worn: frozenset[int] = frozenset()
    poisoned: list[str] = field(default_factory=list)  # messages of the poison queue that the app confirmed
    _sent: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        settings = self.platform.settings
        self._chunks, self._poison = settings.chunks_queue, settings.poison_queue
        self._poison_client = MemoryQueueClient(self.platform.account, self._poison)
        self.platform.spawn(self._listen(self._chunks, _job))
        self.platform.spawn(self._listen(self._poison, _poison_job))
        for outage in self.platform.cluster.outside.outages:
            if outage.service == Service.QUEUE and outage.ends - outage.begins > _AWAY:
                self.platform.spawn(self._end_hosts(outage.begins + _AWAY))

    async def _end_hosts(self, at: float) -> None:
        """Ends each host, or not: on the real host the exception didn't come every time."""
        cluster = self.platform.cluster
        await asyncio.sleep(at - self.platform.loop.time())
        for process in [host.process for host in cluster.hosts]:
            if process is not None and self.platform.rng.random() < 0.5:  # noqa: PLR2004 - one in two
                cluster.die(process, with_host=True)

    def changed(self) -> None:
        """A call has changed a queue."""
        self._changed.set()

    def _messages(self, name: str) -> list[Any]:
        queue = self.platform.account.queues.get(name)
        return [] if queue is None else list(queue.messages)

    async def _listen(self, name: str, decode: Decode) -> None:
        rng, cluster = self.platform.rng, self.platform.cluster
        while True:
            now = self.platform.clock.now()
            messages = self._messages(name)
            hosts = cluster.idle_hosts(_JOBS)
            visible = [one for one in messages if one.visible <= now]
            if visible and hosts:
                message, host = rng.choice(visible), rng.choice(hosts)
                self._take(name, message, host, decode)
                continue
            await self._until([one.visible for one in messages if one.visible > now], visible)

    async def _until(self, dues: list[datetime], blocked: list[Any]) -> None:
        """Waits until the queue changes, a message becomes visible, or a host may be free again."""
        seconds = (min(dues) - self.platform.clock.now()).total_seconds() if dues else None
        if blocked:
            seconds = 1.0
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _take(self, name: str, message: Any, host: Host, decode: Decode) -> None:
        """Receives one message for a host."""
        account = self.platform.account
        self._hide(message)
        message.receipt, message.dequeued = account.new_id(), message.dequeued + 1
        if message.dequeued == 1 and name == self._chunks:
            self._sent += 1
            if self._sent in self.lost:
                self.platform.trace.step("queue", "loses a job")
                account.queues[name].messages.remove(message)
                return
            if self._sent in self.worn:
                message.dequeued = _DELIVERIES
        host.jobs += 1
        self.platform.spawn(self._hand_over(name, message, host, decode(message.text)))

    def _hide(self, message: Any) -> None:
        message.visible = self.platform.clock.now() + timedelta(seconds=_HIDDEN)

    async def _hand_over(self, name: str, message: Any, host: Host, function: tuple[str, Function]) -> None:
        """Runs the function for a message, and removes or returns the message when the function has ended."""
        receipt = message.receipt
        renewal = _Renewal(self.platform.loop, lambda: self._renew(name, message, host))
        try:
            if message.dequeued > _DELIVERIES:
                outcome = Outcome.FAILED
            else:
                outcome = await self.platform.cluster.invoke(host, *function)
        finally:
            renewal.timer.cancel()
            host.jobs -= 1
        await self._end(name, message, receipt, outcome)
        self._changed.set()

    def _renew(self, name: str, message: Any, host: Host) -> None:
        if host in self.platform.cluster.hosts and message in self._messages(name):
            self._hide(message)

    async def _end(self, name: str, message: Any, receipt: str, outcome: Outcome) -> None:
        if outcome is Outcome.HOST_GONE or message not in self._messages(name) or message.receipt != receipt:
            return  # nobody gives the message back, or another host has it
        messages = self.platform.account.queues[name].messages
        if outcome is Outcome.DONE:
            messages.remove(message)
            if name == self._poison:
                self.poisoned.append(message.text)
        elif message.dequeued < _DELIVERIES:
            message.visible = self.platform.clock.now() + timedelta(seconds=_AGAIN)
        elif name == self._poison:
            messages.remove(message)  # the real host skips it from now on
        else:
            await self._poison_message(messages, message)

    async def _poison_message(self, messages: list[Any], message: Any) -> None:
        self.platform.trace.step("queue", "moves a message to the poison queue")
        if self._poison not in self.platform.account.queues:
            await self._poison_client.create_queue()
        await self._poison_client.send_message(message.text, time_to_live=-1)
        if message in messages:
            messages.remove(message)


class _Renewal:
    """Calls `renew` until `timer` is cancelled."""

    def __init__(self, loop: VirtualLoop, renew: Callable[[], None]) -> None:
        self._loop, self._renew = loop, renew
        self.timer = self._next()

    def _next(self) -> asyncio.TimerHandle:
        return self._loop.call_later(_RENEWAL, self._again, context=Context())

    def _again(self) -> None:
        self._renew()
        self.timer = self._next()


def _job(body: str) -> tuple[str, Function]:
    return "archive_chunk", lambda app: app.archiving.handle(ChunkJob.decode(body))


def _poison_job(body: str) -> tuple[str, Function]:
    return "keep_poison_message", lambda app: app.poison.keep(body.encode())
