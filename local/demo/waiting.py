"""Waits for a recording's files with plain HTTP: polls `Location` until the status is no longer 202.

A Logic App's HTTP action does the same by itself. The demo polls more often than `Retry-After` asks for.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.demo.peers import Answer, DemoError, Peers

_PATIENCE = 60.0  # seconds
_POLL = 0.3
_ACCEPTED = 202


@dataclass(kw_only=True)
class Exchange:
    """A request, its answer, and how many times in a row both were the same."""

    request: str
    answer: str
    times: int = 1


async def wait_for_record(stopped: Answer, peers: Peers) -> tuple[list[Exchange], dict[str, Any]]:
    """Polls until all files of the recording are archived. Returns the exchanges and the archive record."""
    location = str(stopped.headers.get("Location"))
    exchanges = [Exchange(request="POST …/stop", answer=_summary(stopped))]
    until = time.monotonic() + _PATIENCE
    while True:
        answer = await peers.request("GET", location)
        exchange = Exchange(request="GET Location", answer=_summary(answer))
        if (exchange.request, exchange.answer) == (exchanges[-1].request, exchanges[-1].answer):
            exchanges[-1].times += 1
        else:
            exchanges.append(exchange)
        if answer.status != _ACCEPTED:
            return exchanges, answer.body
        if time.monotonic() > until:
            raise DemoError(f"There was no archive record within {_PATIENCE:.0f} s.")
        await asyncio.sleep(_POLL)


def show(console: Console, exchanges: list[Exchange], record: dict[str, Any]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    for name in ("request", "answer", "times"):
        table.add_column(name, no_wrap=True)
    for exchange in exchanges:
        table.add_row(exchange.request, escape(exchange.answer), str(exchange.times))
    console.print(table)
    pauses = sum(len(chunk["pauses"]) for chunk in record["chunks"])
    people = {one["participantId"] for chunk in record["chunks"] for one in chunk["participants"]}
    console.print(
        f"  Archive record of [bold]{record['correlation']}[/]: {len(record['chunks'])} files with SHA-256,\n"
        f"  {record['size']:,} bytes; pauses: {pauses}; participants: {len(people)}\n"
    )


def _summary(answer: Answer) -> str:
    if answer.status != _ACCEPTED:
        return f"{answer.status}, the archive record"
    awaited = answer.body.get("waitingFor")
    progress = f", waiting for {awaited}" if awaited else ""
    progress += f": {answer.body['safe']} of {answer.body['chunks']} archived" if awaited == "chunks" else ""
    return f"202, again in {answer.headers.get('Retry-After')} s{progress}"
