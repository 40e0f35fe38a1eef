"""The host: starts its parts in order, writes the ready file when all are ready, and stops them in order.

Started means that every instance has indexed the app, listeners receive and HTTP is served. Stopped means that no
process is left. The message of an interrupted function isn't released: it becomes visible when its lease expires.
"""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Coroutine
from typing import Any

from local.host.atomic_files import write_whole
from local.host.bindings import Function, HttpTrigger, QueueTrigger, TimerTrigger, functions_of
from local.host.configuration.options import Options
from local.host.errors import StorageLost
from local.host.http.http_triggers import template
from local.host.http.server import HttpServer
from local.host.invocations import Invocations
from local.host.triggers.message_leases import Source, is_poison, poison_name
from local.host.triggers.queue_accounts import QueueAccounts, connection_string
from local.host.triggers.queue_listener import QueueListener
from local.host.triggers.singleton_locks import Locks, host_id
from local.host.triggers.timers import Timer, TimerStatuses
from local.host.worker.instances import Instance, Instances
from local.host.worker.process import Launch

_STORAGE = "AzureWebJobsStorage"
_ADDRESS = "127.0.0.1"
# Seconds allowed for completing the last messages after the workers have ended.
_AFTERMATH = 5.0

logger = logging.getLogger("host")


class Host:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._accounts = QueueAccounts(settings=options.settings)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound now, because the workers get the address. Requests are served only after `start`.
        self._socket.bind((_ADDRESS, options.port))
        self.url = f"http://{_ADDRESS}:{self._socket.getsockname()[1]}"
        timeout = options.config.function_timeout
        seconds = timeout.total_seconds() if timeout is not None else None
        launch = self._launch()
        self._instances = Instances([Instance(n, launch, seconds, self._announce) for n in range(options.workers)])
        self._invocations = Invocations(self._instances)
        settings = options.settings
        self._locks = Locks(connection_string(settings, _STORAGE), host_id(options.app, settings.values))
        self._statuses = TimerStatuses(options.timer_status)
        self._listeners: list[QueueListener | Timer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._server: HttpServer | None = None
        self._started = False
        # A queue's storage was unreachable for too long: the real host then shuts itself down (observed twice).
        self.gone = asyncio.Event()

    def _launch(self) -> Launch:
        environment = {**self._options.settings.values, "WEBSITE_HOSTNAME": self.url.removeprefix("http://")}
        return Launch(
            app=self._options.app, environment=environment, plugin=self._options.plugin, sink=self._options.sink
        )

    async def start(self) -> None:
        """Raises ConfigError or IndexingFailed. Call `stop` in any case."""
        options = self._options
        functions = functions_of(await self._instances.start(), options.settings)
        self._server = HttpServer(options, functions, self._invocations, self._drain)
        active = [function for function in functions if not function.disabled]
        for function in active:
            await self._listen(function)
        await self._server.open(self._socket)
        self._started = True
        self._announce()
        for function in functions:
            logger.info("function %s", _described(function, self.url, options.config.route_prefix))
        logger.info("ready at %s", self.url)

    async def _listen(self, function: Function) -> None:
        match function.trigger:
            case QueueTrigger() as trigger:
                source = self._source(trigger)
                for instance in self._instances.all:
                    queues = self._options.config.queues
                    self._keep(QueueListener(function, instance, source, queues, self._invocations))
            case TimerTrigger() as trigger:
                self._keep(Timer(function, trigger, self._statuses, self._invocations, self._locks.of(function.name)))
            case _:
                pass  # served over HTTP

    def _source(self, trigger: QueueTrigger) -> Source:
        poison = self._accounts.queue(trigger.connection, poison_name(trigger.queue))
        return Source(
            queue=self._accounts.queue(trigger.connection, trigger.queue),
            poison=None if is_poison(trigger.queue) else poison,
            visibility=self._options.queue_visibility,
            patience=self._options.storage_patience,
        )

    def _keep(self, listener: QueueListener | Timer) -> None:
        self._listeners.append(listener)
        self._tasks.append(asyncio.create_task(self._alive(listener.run())))

    def _drain(self) -> None:
        for listener in self._listeners:
            if isinstance(listener, QueueListener):
                listener.drain()

    async def _alive(self, listening: Coroutine[Any, Any, None]) -> None:
        try:
            await listening
        except StorageLost as error:
            logger.critical("the host stops: %s", error)
            self.gone.set()
        except Exception:
            logger.exception("a listener failed: its function is no longer triggered")
            raise

    def _announce(self) -> None:
        """Writes the ready file with the current processes."""
        options = self._options
        if options.ready is None or not self._started:
            return
        content = {
            "functions": self.url,
            "functionsKey": options.keys.function,
            "systemKey": options.keys.system,
            "masterKey": options.keys.master,
            "pid": os.getpid(),
            "workers": self._instances.pids,
        }
        write_whole(options.ready, json.dumps(content) + "\n")

    async def stop(self) -> None:
        """Starts no more functions, waits for running ones within the grace period, and ends the workers."""
        for listener in self._listeners:
            listener.stop()
        if self._server:
            await self._server.stop_accepting()
        try:
            async with asyncio.timeout(self._options.grace.total_seconds()):
                await self._invocations.idle()
        except TimeoutError:
            logger.warning("functions are still running: they are interrupted")
        await self._instances.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_AFTERMATH)
        if self._server:
            await self._server.close()
        await self._accounts.close()
        await self._locks.close()
        self._socket.close()
        if self._options.ready is not None:
            self._options.ready.unlink(missing_ok=True)


def _described(function: Function, url: str, prefix: str) -> str:
    match function.trigger:
        case HttpTrigger() as trigger:
            text = f"{','.join(sorted(trigger.methods)) or 'any method'} {url}/{template(prefix, trigger)}"
        case QueueTrigger() as trigger:
            text = f"queue {trigger.queue}"
        case TimerTrigger() as trigger:
            text = f"timer {trigger.schedule}"
        case _:
            text = "Event Grid"
    return f"{function.name}: {text}" + (" (disabled)" if function.disabled else "")
