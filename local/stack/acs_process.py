"""The ACS simulator in the stack: its process, its callbacks and its Event Grid subscription to the function app."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from local.processes.child_processes import Child, ChildError, Program, running
from local.stack.options import CHECKOUT, StackOptions
from local.stack.stack_directory import StackDirectory

READY_SECONDS = 60
SUBSCRIBE_SECONDS = 30
POLL_SECONDS = 0.2
CALLBACK_HOST = "callvault.example"  # the app's public host name in callback URLs, because ACS requires https


@dataclass(frozen=True, kw_only=True)
class Simulator:
    control: str
    tls: str
    ca: str
    connection_string: str
    topic_endpoint: str
    topic_key: str
    child: Child


@contextlib.asynccontextmanager
async def simulator(options: StackOptions, place: StackDirectory) -> AsyncIterator[Simulator]:
    ready = place.path / "acs-ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.acs", "--state", str(place.path / "acs"), "--ready", str(ready)]
    program = Program(
        name="acs",
        command=[*command, *options.acs_arguments],
        log=place.logs / "acs.log",
        directory=CHECKOUT,
        held=(place.lock,),
    )
    async with running(program) as child:
        found = await child.ready_file(ready, within=READY_SECONDS)
        yield Simulator(
            control=found["control"],
            tls=found["tls"],
            ca=found["ca"],
            connection_string=found["connectionString"],
            topic_endpoint=found["topicEndpoint"],
            topic_key=found["topicKey"],
            child=child,
        )


async def route_callbacks(simulator: Simulator, functions: str) -> None:
    """Makes the simulator send callbacks for the app's public host name to the local address of the app."""
    route = {"host": CALLBACK_HOST, "address": functions}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{simulator.control}/callback-hosts", json=route) as answer,
    ):
        answer.raise_for_status()


async def subscribe(simulator: Simulator, endpoint: str) -> None:
    """Subscribes the endpoint to the simulator's events. The endpoint confirms with a handshake.

    A host that is ready may still be loading the function, so a refused handshake is repeated for a while.
    """
    deadline = asyncio.get_running_loop().time() + SUBSCRIBE_SECONDS
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.post(f"{simulator.control}/subscriptions", json={"endpoint": endpoint}) as answer:
                if answer.status == HTTPStatus.CREATED:
                    return
                refusal = await answer.text()
            if asyncio.get_running_loop().time() > deadline:
                raise ChildError(f"The function app refused the handshake of the event subscription: {refusal}")
            await asyncio.sleep(POLL_SECONDS)
