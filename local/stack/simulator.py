"""The ACS simulator as a part of the stack: its process, and its Event Grid subscription to the function app."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from local.stack.options import CHECKOUT, StackOptions
from local.stack.processes import Child, ChildError, Program, running
from local.stack.workplace import Workplace

READY_SECONDS = 60
SUBSCRIBE_SECONDS = 30
POLL_SECONDS = 0.2
CALLBACK_HOST = "callvault.example"  # the app's name in the outside world, which callbacks must have: ACS wants https


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
async def simulator(options: StackOptions, place: Workplace) -> AsyncIterator[Simulator]:
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


async def lead_callbacks(simulator: Simulator, functions: str) -> None:
    """Have the simulator's callbacks for the app's public host go to where the app is."""
    order = {"host": CALLBACK_HOST, "address": functions}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{simulator.control}/callback-hosts", json=order) as answer,
    ):
        answer.raise_for_status()


async def subscribe(simulator: Simulator, endpoint: str) -> None:
    """Have the simulator publish its events to the endpoint, which proves with a handshake that it wants them.

    A host that says it is ready may still be loading the function: a refused handshake is tried again for a while.
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
