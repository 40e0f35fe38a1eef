"""Shows the announcements that the demo's topic received."""

import asyncio
import time
from collections import Counter
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from local.demo.peers import DemoError, Peers

_PATIENCE = 30.0  # seconds for the last announcement
_POLL = 0.2
_COMPLETE = "Callvault.RecordingComplete"


async def once_complete(recording_ids: list[str], peers: Peers) -> list[dict[str, Any]]:
    """Waits until every recording was announced as complete. Returns all announcements."""
    until = time.monotonic() + _PATIENCE
    while True:
        events = await peers.announcements()
        if set(recording_ids) <= {event["data"].get("recordingId") for event in events if event["type"] == _COMPLETE}:
            return events
        if time.monotonic() > until:
            raise DemoError(f"Not all complete recordings were announced within {_PATIENCE:.0f} s.")
        await asyncio.sleep(_POLL)


def show(console: Console, events: list[dict[str, Any]]) -> None:
    """Shows each announcement once, by its id, with the number of times that it was sent."""
    times = Counter(event["id"] for event in events)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    for name in ("type", "correlation", "content", "sent"):
        table.add_column(name, no_wrap=True)
    for event in {event["id"]: event for event in events}.values():
        data = event["data"]
        content = f"chunks: {data['chunkCount']}, {data['size']:,} B" if event["type"] == _COMPLETE else _chunk(data)
        kind = event["type"].removeprefix("Callvault.")
        table.add_row(kind, data.get("correlation", "-"), content, str(times[event["id"]]))
    console.print(table)


def _chunk(data: dict[str, Any]) -> str:
    media = data.get("media")
    return f"chunk {data['index']}, {media['size']:,} B" if media else f"chunk {data['index']}: {data['reason']}"
