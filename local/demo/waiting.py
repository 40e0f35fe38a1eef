"""A caller that knows nothing of Callvault but HTTP: told 202, it asks at Location until the answer is another.

As a Logic App's HTTP action does by itself, and faster than Retry-After asks for, since nobody likes to watch a wait.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.demo.peers import Answered, DemoError, Peers

_PATIENCE = 60.0  # seconds
_POLL = 0.3
_ACCEPTED = 202


@dataclass(kw_only=True)
class Said:
    """An answer, and how often it came one after the other."""

    request: str
    answer: str
    times: int = 1


async def waited(stopped: Answered, peers: Peers) -> tuple[list[Said], dict[str, Any]]:
    """What was said until the recording's files were all safe, and the archive record."""
    location = str(stopped.headers.get("Location"))
    told = [Said(request="POST …/stop, Prefer: respond-async", answer=_summary(stopped))]
    until = time.monotonic() + _PATIENCE
    while True:
        answered = await peers.asked("GET", location)
        said = Said(request="GET Location", answer=_summary(answered))
        if (said.request, said.answer) == (told[-1].request, told[-1].answer):
            told[-1].times += 1
        else:
            told.append(said)
        if answered.status != _ACCEPTED:
            return told, answered.body
        if time.monotonic() > until:
            raise DemoError(f"After {_PATIENCE:.0f} s the archive record still wasn't there.")
        await asyncio.sleep(_POLL)


def show(console: Console, told: list[Said], record: dict[str, Any]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for name in ("request", "answer", "times"):
        table.add_column(name, no_wrap=True)
    for said in told:
        table.add_row(said.request, escape(said.answer), str(said.times))
    console.print(table)
    pauses = sum(len(chunk["pauses"]) for chunk in record["chunks"])
    people = {one["participantId"] for chunk in record["chunks"] for one in chunk["participants"]}
    console.print(
        f"   The archive record of [bold]{record['correlation']}[/]: {len(record['chunks'])} files, "
        f"{record['size']:,} bytes, each with its SHA-256; pauses: {pauses}; people recorded: {len(people)}\n"
    )


def _summary(answered: Answered) -> str:
    if answered.status != _ACCEPTED:
        return f"{answered.status}, the archive record"
    awaited = answered.body.get("waitingFor")
    what = f", waiting for {awaited}" if awaited else ""
    what += f": {answered.body['safe']} of {answered.body['chunks']} safe" if awaited == "chunks" else ""
    return f"202, Retry-After: {answered.headers.get('Retry-After')}{what}"
