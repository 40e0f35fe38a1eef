"""The host as a whole: its parts started in order, announced when all of them are ready, and stopped in order.

Started means that every instance has indexed the app, listeners receive and HTTP is served. Stopped means that no
process is left and every message at hand was settled or given back.
"""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from local.host import eventgrid
from local.host.admin import PREFIX, Admin
from local.host.bindings import Function, HttpTrigger, QueueTrigger, TimerTrigger, functions_of
from local.host.config import HostConfig, Settings
from local.host.eventgrid import EventGridWebhook
from local.host.files import write_whole
from local.host.httptriggers import HttpTriggers, template
from local.host.instances import Instance, Instances
from local.host.invocations import Invocations
from local.host.keys import Keys
from local.host.logs import Sink
from local.host.outputs import Outputs
from local.host.process import Launch
from local.host.queues import QueueListener, poison_name, source_of
from local.host.storage import Encoding, QueueAccounts
from local.host.timers import Timer, TimerStatuses

_ADDRESS = "127.0.0.1"
# The service's own limit of a request.
_MAX_REQUEST = 210 * 1024 * 1024
# What the last responses and the giving back of messages may take once the workers are gone, in seconds.
_AFTERMATH = 5.0

logger = logging.getLogger("host")


@dataclass(frozen=True, kw_only=True)
class Options:
    app: Path
    config: HostConfig
    settings: Settings
    keys: Keys
    sink: Sink
    port: int = 0
    workers: int = 1
    plugin: str | None = None
    ready: Path | None = None
    timer_status: Path | None = None
    queue_visibility: timedelta = timedelta(minutes=10)
    grace: timedelta = timedelta(seconds=5)


class Host:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._accounts = QueueAccounts(settings=options.settings)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound now, as the workers are told the address; nobody is served before `start` is through.
        self._socket.bind((_ADDRESS, options.port))
        self.url = f"http://{_ADDRESS}:{self._socket.getsockname()[1]}"
        timeout = options.config.function_timeout
        seconds = timeout.total_seconds() if timeout is not None else None
        launch = self._launch()
        self._instances = Instances([Instance(n, launch, seconds, self._announce) for n in range(options.workers)])
        encoding = Encoding(is_base64=options.config.queues.message_encoding == "base64")
        self._invocations = Invocations(self._instances, Outputs(self._accounts, encoding))
        self._statuses = TimerStatuses(options.timer_status)
        self._listeners: list[QueueListener | Timer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._started = False

    def _launch(self) -> Launch:
        environment = {**self._options.settings.values, "WEBSITE_HOSTNAME": self.url.removeprefix("http://")}
        return Launch(
            app=self._options.app, environment=environment, plugin=self._options.plugin, sink=self._options.sink
        )

    async def start(self) -> None:
        """Raises ConfigError or IndexingFailed; `stop` is to be called in any case."""
        options = self._options
        functions = functions_of(await self._instances.start(), options.settings)
        web_app = web.Application(client_max_size=_MAX_REQUEST)
        web_app.router.add_route("*", "/{path:(?s:.*)}", self._routed(functions))
        active = [function for function in functions if not function.disabled]
        for function in active:
            await self._listen(function)
        # Bodies reach the function as they were sent.
        self._runner = web.AppRunner(web_app, access_log=None, auto_decompress=False, shutdown_timeout=_AFTERMATH)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()
        self._started = True
        self._announce()
        for function in functions:
            logger.info("function %s", _told(function, self.url, options.config.route_prefix))
        logger.info("ready at %s", self.url)

    def _routed(self, functions: list[Function]) -> Any:
        options = self._options
        prefix = options.config.route_prefix
        http = HttpTriggers(functions, prefix, options.keys, self._invocations)
        webhook = EventGridWebhook(functions, options.keys, self._invocations)
        admin = Admin(functions, prefix, options.keys, self._invocations)

        async def handle(request: web.Request) -> web.StreamResponse:
            path = request.path.lower()
            if path.startswith(PREFIX):
                return await admin.handle(request)
            if path == eventgrid.PATH:
                return await webhook.handle(request)
            return await http.handle(request)

        return handle

    async def _listen(self, function: Function) -> None:
        match function.trigger:
            case QueueTrigger() as trigger:
                source = source_of(
                    self._accounts.queue(trigger.connection, trigger.queue),
                    self._accounts.queue(trigger.connection, poison_name(trigger.queue)),
                    self._options.queue_visibility,
                )
                for instance in self._instances.all:
                    queues = self._options.config.queues
                    self._keep(QueueListener(function, instance, source, queues, self._invocations))
            case TimerTrigger() as trigger:
                self._keep(Timer(function, trigger, self._statuses, self._invocations))
            case _:
                pass  # served over HTTP
        for output in function.outputs:
            self._accounts.queue(output.connection, output.queue)

    def _keep(self, listener: QueueListener | Timer) -> None:
        self._listeners.append(listener)
        self._tasks.append(asyncio.create_task(_alive(listener.run())))

    def _announce(self) -> None:
        """Keeps the ready file true to the processes there are."""
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
        """Nothing new begins; what runs may end within the grace, then the workers are ended."""
        for listener in self._listeners:
            listener.stop()
        for site in list(self._runner.sites) if self._runner else ():
            await site.stop()
        try:
            async with asyncio.timeout(self._options.grace.total_seconds()):
                await self._invocations.idle()
        except TimeoutError:
            logger.warning("functions still run: they are cut short")
        await self._instances.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_AFTERMATH)
        if self._runner:
            await self._runner.cleanup()
        await self._accounts.close()
        self._socket.close()
        if self._options.ready is not None:
            self._options.ready.unlink(missing_ok=True)


async def _alive(listening: Coroutine[Any, Any, None]) -> None:
    try:
        await listening
    except Exception:
        logger.exception("a listener broke: its function is not triggered any more")
        raise


def _told(function: Function, url: str, prefix: str) -> str:
    match function.trigger:
        case HttpTrigger() as trigger:
            told = f"{','.join(sorted(trigger.methods)) or 'any verb'} {url}/{template(prefix, trigger)}"
        case QueueTrigger() as trigger:
            told = f"queue {trigger.queue}"
        case TimerTrigger() as trigger:
            told = f"timer {trigger.schedule}"
        case _:
            told = "Event Grid"
    return f"{function.name}: {told}" + (" (disabled)" if function.disabled else "")
