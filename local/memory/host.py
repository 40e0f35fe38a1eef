"""What runs the app in memory: Event Grid, the Functions host with its queue and timer, and the end of a process.

A process ends with Crash, which no code of the product catches. Whatever it was about to write is lost, and the next
invocation runs in a new process over the same account.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from azure.core.exceptions import ResourceExistsError

from local.memory.acs import MemoryAcs
from local.memory.clients import MemoryClients
from local.memory.clock import HandClock
from local.memory.storage.account import Account, Operation, Turn, apply_at_once
from local.memory.storage.queues import MemoryQueueClient
from local.memory.topic import MemoryTopic
from shared.app import App
from shared.contracts.jobs import ChunkJob
from shared.errors import CallvaultError
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from shared.gateways.clients import Clients

_HIDDEN = 600  # seconds that the host hides a message for, and renews while the function runs
_AGAIN = 30  # seconds until a message whose function failed is delivered again
_DELIVERIES = 5  # before a message goes to the poison queue
_ROUND = 60  # seconds between two runs of the sweep


class Crash(BaseException):
    """The process ends."""


class _Process:
    """Reaches the account by the host's turn until it ends."""

    def __init__(self, turn: Turn) -> None:
        self._turn, self._has_ended = turn, False

    async def turn[T](self, operation: Operation, apply: Callable[[], T], /) -> T:
        if self._has_ended:
            raise Crash
        try:
            return await self._turn(operation, apply)
        except Crash:
            self._has_ended = True
            raise


class Host:
    """Runs one app. Every operation of its processes awaits `turn`."""

    def __init__(
        self, account: Account, acs: MemoryAcs, topic: MemoryTopic, clock: HandClock, settings: Settings
    ) -> None:
        self._account, self._acs, self._topic, self._clock, self._settings = account, acs, topic, clock, settings
        self.turn: Turn = apply_at_once
        self._app: App | None = None
        self._undelivered: list[dict[str, Any]] = []
        self.crashes = 0
        self._queue, self._poison = (
            MemoryQueueClient(account, name) for name in (settings.chunks_queue, settings.poison_queue)
        )

    @property
    def app(self) -> App:
        """The app in the process that runs, or in a new one."""
        if self._app is None:
            view = self._account.seen_by(_Process(self.turn).turn)
            calls, topic = replace(self._acs, account=view), replace(self._topic, account=view)
            has_topic = self._settings.announce_topic_endpoint is not None
            clients = MemoryClients(view, calls, self._settings, topic=topic if has_topic else None)
            self._app = App.over(self._settings, self._clock, cast("Clients", clients))
        return self._app

    @property
    def has_delivered(self) -> bool:
        """Whether every event was acknowledged."""
        return not self._undelivered

    def restart(self, turn: Turn) -> None:
        """Ends the process between two invocations. The next one awaits `turn`."""
        self.turn, self._app = turn, None

    def publish(self, event: dict[str, Any]) -> None:
        """Gives Event Grid an event, which it delivers until it is acknowledged."""
        self._undelivered.append(event)

    async def round(self) -> None:
        """Delivers what waits, handles all jobs that are due, sweeps, and lets a minute pass."""
        self._undelivered = [event for event in self._undelivered if not await self._deliver(event)]
        await self._jobs()
        await self._keep_poison()
        await self.invoke(lambda app: app.sweep.run())
        await self._jobs()
        self._clock.forward(seconds=_ROUND)

    async def _deliver(self, event: dict[str, Any]) -> bool:
        return await self.invoke(lambda app: app.intake.receive(event))

    async def _jobs(self) -> None:
        while (message := await self._queue.receive_message(visibility_timeout=_HIDDEN)) is not None:
            crashes, job = self.crashes, ChunkJob.decode(message.content)
            if await self.invoke(lambda app, job=job: app.archiving.handle(job)):  # type: ignore[misc]
                await self._queue.delete_message(message)
            elif self.crashes > crashes:
                continue  # nobody gives the message back: it stays hidden
            elif message.dequeue_count == _DELIVERIES:
                with suppress(ResourceExistsError):
                    await self._poison.create_queue()
                await self._poison.send_message(message.content, time_to_live=-1)
                await self._queue.delete_message(message)
            else:
                await self._queue.update_message(message, visibility_timeout=_AGAIN)

    async def _keep_poison(self) -> None:
        if self._settings.poison_queue not in self._account.queues:
            return
        while (message := await self._poison.receive_message(visibility_timeout=_HIDDEN)) is not None:
            body = str(message.content).encode()
            kept = await self.invoke(lambda app, body=body: app.poison.keep(body))  # type: ignore[misc]
            if kept or message.dequeue_count == _DELIVERIES:
                await self._poison.delete_message(message)  # after five failures nobody handles it any more
            else:
                await self._poison.update_message(message, visibility_timeout=_AGAIN)

    async def invoke(self, function: Callable[[App], Awaitable[object]]) -> bool:
        """Whether the invocation succeeded."""
        try:
            await function(self.app)
        except CallvaultError:
            return False
        except (Crash, BaseExceptionGroup) as error:
            if isinstance(error, BaseExceptionGroup) and not error.subgroup(Crash):
                raise
            self.crashes += 1
            self._app = None
            return False
        return True
