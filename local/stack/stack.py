"""The stack: Azurite, the ACS simulator and the function app's host. Each is a process.

All are ready when the context is entered, and all end with the context, including after an error during the start. If
the stack's own process dies, even by SIGKILL, its children end by themselves (see `parent_watch`).
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
from local.processes.child_processes import ChildError
from local.stack.acs_process import CALLBACK_HOST, Simulator, route_callbacks, simulator, subscribe
from local.stack.addresses import Addresses, AddressFile, Pids
from local.stack.azurite import ANY_PORTS, Azurite, Variant, azurite
from local.stack.core_tools import core_tools_host, find_func
from local.stack.hosts import callvault_host
from local.stack.options import Services, StackOptions
from local.stack.provision import Resources, provision
from local.stack.stack_directory import StackDirectory, stack_directory

WATCH_SECONDS = 0.5
# Fixed, because stored data outlive the stack. Like the emulator's key, they protect nothing.
CALLBACK_SECRET = "the-local-stack-s-secret-of-nobody"
PARTICIPANTS_SECRET = "the-local-stack-s-secret-of-nobody"


class Stack:
    """`async with Stack(options) as stack:`. `stack.addresses` has the addresses of all parts."""

    def __init__(self, options: StackOptions) -> None:
        self._options = options
        self._exits = contextlib.AsyncExitStack()
        self._azurite_life, self._host_life = contextlib.AsyncExitStack(), contextlib.AsyncExitStack()
        path = options.address_file or options.directory / "stack.json"
        self._file = AddressFile(path.absolute(), yields=options.fresh)

    async def __aenter__(self) -> Self:
        host = callvault_host if self._options.host == "callvault" else functools.partial(core_tools_host, find_func())
        async with contextlib.AsyncExitStack() as exits:
            self._place = await exits.enter_async_context(
                stack_directory(self._options.directory, fresh=self._options.fresh)
            )
            await exits.enter_async_context(self._azurite_life)
            self._azurite, self._simulator = await self._start_services(exits, self._place)
            detour = self._options.detour
            detoured = await exits.enter_async_context(detour(self._services())) if detour is not None else {}
            self._new_host = functools.partial(host, self._options, self._place, self._app_settings() | dict(detoured))
            await exits.enter_async_context(self._host_life)
            self._host = await self._host_life.enter_async_context(self._new_host())
            await route_callbacks(self._simulator, self._host.functions)
            await subscribe(self._simulator, self._host.event_grid_url(self._options.event_function))
            self._file.write(self.addresses)
            exits.callback(self._file.remove)
            await exits.enter_async_context(self._address_file_updates())
            self._exits = exits.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    @property
    def addresses(self) -> Addresses:
        """The current addresses and process ids."""
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
        """Kills the host, as if its machine died, and starts another. Its address stays if port and keys are given."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._host.child.pid, signal.SIGKILL)
        await self._host_life.aclose()
        self._host = await self._host_life.enter_async_context(self._new_host())

    async def replace_azurite(self) -> None:
        """Stops Azurite, which breaks the requests in progress, and starts another with the same state and ports.

        Azurite isn't killed, because it writes its tables to disk only every few seconds and would lose the rest.
        """
        await self._azurite_life.aclose()
        self._azurite = await self._start_azurite(self._place, self._azurite.ports)

    async def failure(self) -> ChildError:
        """Waits until one of the stack's processes ends by itself. Returns the error for it."""
        children = (self._azurite.child, self._simulator.child, self._host.child)
        ends = {asyncio.create_task(child.ended()): child for child in children}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        end = done.pop()
        return ends[end].failure(f"ended by itself with exit code {end.result()}")

    async def _start_services(
        self, exits: contextlib.AsyncExitStack, place: StackDirectory
    ) -> tuple[Azurite, Simulator]:
        """Starts both at the same time: neither needs the other."""
        try:
            async with asyncio.TaskGroup() as group:
                acs = group.create_task(exits.enter_async_context(simulator(self._options, place)))
                started = await self._start_azurite(place)
                await provision(started.connection_string, Resources.named_by(self._options.settings))
        except BaseExceptionGroup as failed:
            known = failed.subgroup(ChildError)
            raise known.exceptions[0] if known else failed from None
        return started, acs.result()

    async def _start_azurite(self, place: StackDirectory, ports: tuple[int, int, int] = ANY_PORTS) -> Azurite:
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
            # The next two have the values of main.bicep.
            "AzureWebJobsDisableHomepage": "true",
            "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "4194304",
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
    async def _address_file_updates(self) -> AsyncIterator[None]:
        """Updates stack.json when the host replaces a worker that died."""
        task = asyncio.create_task(self._update_address_file())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _update_address_file(self) -> None:
        written = self.addresses
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if (now := self.addresses) != written:
                self._file.write(now)
                written = now
