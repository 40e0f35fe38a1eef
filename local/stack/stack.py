"""The stack: Azurite, the ACS simulator and the function app's host, each a process, ready when the context is entered.

Whatever ends the context, an error while starting included, ends every process; and if the stack's own process dies,
by SIGKILL even, its children end by themselves (see `tether`).
"""

import asyncio
import contextlib
import functools
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

from local.acs.identifiers import RESOURCE_ID
from local.stack.addresses import Addresses, AddressFile, Pids
from local.stack.azurite import ANY_PORTS, Azurite, Variant, azurite
from local.stack.core_tools import core_tools_host, find_func
from local.stack.hosts import callvault_host
from local.stack.options import Services, StackOptions
from local.stack.processes import ChildError
from local.stack.provision import Resources, provision
from local.stack.simulator import CALLBACK_HOST, Simulator, lead_callbacks, simulator, subscribe
from local.stack.workplace import Workplace, workplace

WATCH_SECONDS = 0.5
# Fixed, for what a stack stores outlives it; secrets of nobody, as the emulator's key is.
CALLBACK_SECRET = "the-local-stack-s-secret-of-nobody"
PARTICIPANTS_SECRET = "the-local-stack-s-secret-of-nobody"


class Stack:
    """`async with Stack(options) as stack:`; then `stack.addresses` tells where everything is."""

    def __init__(self, options: StackOptions) -> None:
        self._options = options
        self._exits = contextlib.AsyncExitStack()
        self._azurite_life, self._host_life = contextlib.AsyncExitStack(), contextlib.AsyncExitStack()
        path = options.address_file or options.directory / "stack.json"
        self._file = AddressFile(path.absolute(), yields=options.fresh)

    async def __aenter__(self) -> Self:
        host = callvault_host if self._options.host == "callvault" else functools.partial(core_tools_host, find_func())
        async with contextlib.AsyncExitStack() as exits:
            self._place = await exits.enter_async_context(workplace(self._options.directory, fresh=self._options.fresh))
            await exits.enter_async_context(self._azurite_life)
            self._azurite, self._simulator = await self._start_services(exits, self._place)
            detour = self._options.detour
            led = await exits.enter_async_context(detour(self._services())) if detour is not None else {}
            self._new_host = functools.partial(host, self._options, self._place, self._app_settings() | dict(led))
            await exits.enter_async_context(self._host_life)
            self._host = await self._host_life.enter_async_context(self._new_host())
            await lead_callbacks(self._simulator, self._host.functions)
            await subscribe(self._simulator, self._host.event_grid_url(self._options.event_function))
            self._file.write(self.addresses)
            exits.callback(self._file.remove)
            await exits.enter_async_context(self._file_kept_true())
            self._exits = exits.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    @property
    def addresses(self) -> Addresses:
        """Where everything is at this moment."""
        return Addresses(
            functions=self._host.functions,
            functions_key=self._host.functions_key,
            master_key=self._host.master_key,
            event_grid_url=self._host.event_grid_url(self._options.event_function),
            acs=self._simulator.control,
            acs_connection_string=self._simulator.connection_string,
            topic_key=self._simulator.topic_key,
            acs_tls=self._simulator.tls,
            acs_ca=self._simulator.ca,
            storage_connection_string=self._azurite.connection_string,
            blob_url=self._azurite.blob_url,
            pids=Pids(
                stack=os.getpid(),
                azurite=self._azurite.pid,
                acs=self._simulator.child.pid,
                host=self._host.child.pid,
                workers=self._host.workers(),
            ),
            logs=self._place.logs,
        )

    @property
    def address_file(self) -> Path:
        return self._file.path

    async def replace_host(self) -> None:
        """Kills the host, as a machine dies, and starts another; with a port and keys given it is where it was."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._host.child.pid, signal.SIGKILL)
        await self._host_life.aclose()
        self._host = await self._host_life.enter_async_context(self._new_host())

    async def replace_azurite(self) -> None:
        """Ends Azurite, which cuts the requests under way, and starts another with the same state and ports.

        It isn't killed: Azurite writes its tables to disk every few seconds only, and loses the rest with its process.
        """
        await self._azurite_life.aclose()
        self._azurite = await self._start_azurite(self._place, self._azurite.ports)

    async def failure(self) -> ChildError:
        """Why the stack can't go on, once one of its processes has ended by itself."""
        children = (self._azurite.child, self._simulator.child, self._host.child)
        ends = {asyncio.create_task(child.ended()): child for child in children}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        end = done.pop()
        return ends[end].failure(f"ended by itself with exit code {end.result()}")

    async def _start_services(self, exits: contextlib.AsyncExitStack, place: Workplace) -> tuple[Azurite, Simulator]:
        """Both at once, for neither needs the other."""
        try:
            async with asyncio.TaskGroup() as group:
                acs = group.create_task(exits.enter_async_context(simulator(self._options, place)))
                started = await self._start_azurite(place)
                await provision(started.connection_string, Resources.named_by(self._options.settings))
        except BaseExceptionGroup as failed:
            known = failed.subgroup(ChildError)
            raise known.exceptions[0] if known else failed from None
        return started, acs.result()

    async def _start_azurite(self, place: Workplace, ports: tuple[int, int, int] = ANY_PORTS) -> Azurite:
        storage = azurite(
            place.path / "azurite",
            log=place.logs / "azurite.log",
            held=(place.lock,),
            variant=Variant(requests_logged=self._options.storage_log, ports=ports),
        )
        return await self._azurite_life.enter_async_context(storage)

    def _services(self) -> Services:
        return Services(
            storage_connection_string=self._azurite.connection_string,
            acs_control=self._simulator.control,
            acs_tls=self._simulator.tls,
        )

    def _app_settings(self) -> dict[str, str]:
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            # As main.bicep sets them.
            "AzureWebJobsDisableHomepage": "true",
            "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1048576",
            "AzureWebJobsStorage": self._azurite.connection_string,
            "ACS_CONNECTION_STRING": self._simulator.connection_string,
            "ANNOUNCE_TOPIC_ENDPOINT": self._simulator.topic_endpoint,
            "ANNOUNCE_TOPIC_KEY": self._simulator.topic_key,
            "ACS_LOCAL_GATEWAY": self._simulator.tls,
            "ACS_LOCAL_CA": self._simulator.ca,
            "CALLBACK_URL": f"https://{CALLBACK_HOST}/api/callbacks",
            "CALLBACK_AUDIENCE": RESOURCE_ID,
            "CALLBACK_SECRET": CALLBACK_SECRET,
            "PARTICIPANTS_SECRET": PARTICIPANTS_SECRET,
        } | dict(self._options.settings)

    @contextlib.asynccontextmanager
    async def _file_kept_true(self) -> AsyncIterator[None]:
        """The host replaces workers that die; stack.json follows."""
        task = asyncio.create_task(self._follow_workers())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow_workers(self) -> None:
        written = self.addresses
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if (now := self.addresses) != written:
                self._file.write(now)
                written = now
