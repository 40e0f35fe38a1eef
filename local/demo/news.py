"""What others were told while the demo ran: the announcements that the topic took, a line for each."""

import asyncio
import time
from collections import Counter
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from local.demo.peers import DemoError, Peers

_PATIENCE = 30.0  # seconds that the last of them may take
_POLL = 0.2
_COMPLETE = "Callvault.RecordingComplete"


async def heard(recording_ids: list[str], peers: Peers) -> list[dict[str, Any]]:
    """The announcements, once each recording was told complete."""
    until = time.monotonic() + _PATIENCE
    while True:
        events = await peers.announcements()
        if set(recording_ids) <= {event["data"].get("recordingId") for event in events if event["type"] == _COMPLETE}:
            return events
        if time.monotonic() > until:
            raise DemoError("Not every complete recording was announced.")
        await asyncio.sleep(_POLL)


def show(console: Console, events: list[dict[str, Any]]) -> None:
    """Each once, as its receiver would know it by its id, with the number of times that it came."""
    times = Counter(event["id"] for event in events)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for name in ("type", "correlation", "what", "times told"):
        table.add_column(name, no_wrap=True)
    for event in {event["id"]: event for event in events}.values():
        data = event["data"]
        files = f"{data['size']:,} bytes, chunks: {data['chunkCount']}" if event["type"] == _COMPLETE else _chunk(data)
        table.add_row(event["type"], data.get("correlation", "-"), files, str(times[event["id"]]))
    console.print(table)


def _chunk(data: dict[str, Any]) -> str:
    media = data.get("media")
    return f"chunk {data['index']}, {media['size']:,} bytes" if media else f"chunk {data['index']}: {data['reason']}"
