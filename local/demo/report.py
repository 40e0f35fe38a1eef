"""Shows the demo's recordings: one line of progress, then each recording's chunks, times and files."""

from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_COLOURS = {
    "pending": "yellow",
    "copying": "cyan",
    "archived": "green",
    "released": "bold green",
    "failed": "bold red",
    "lost": "bold red",
    "removed": "bold red",
}
_DIGEST_SHOWN = 7  # hexadecimal digits, enough to distinguish two files


def progress(views: list[dict[str, Any]]) -> Text:
    """One line with a dot for each chunk, in the colour of its state."""
    line = Text("  ")
    for view in views:
        line.append(view["correlation"].partition("/")[2] + " ", style="bold")
        for chunk in view["chunks"] or [{"state": view["state"]}]:
            line.append(f"● {chunk['state']}  ", style=_COLOURS.get(chunk["state"], "dim"))
    return line


def show(console: Console, views: list[dict[str, Any]]) -> None:
    for view in views:
        _show(console, view)


def _show(console: Console, view: dict[str, Any]) -> None:
    kind = f"{view['channel']} {view['content']} {view['format']}"
    console.print(
        f"[bold]{view['correlation']}[/]  [dim]{kind} · {view['durationMs'] / 1000:,.0f} s · state {view['state']}[/]"
    )
    if view["pausedAt"]:
        console.print(f"[dim]Paused {_clock(view['pausedAt'])}, resumed {_clock(view['resumedAt'])}[/]")
    console.print(_chunks(view["chunks"]))
    for chunk in view["chunks"]:
        folder, _, file = (chunk["blobName"] or "").rpartition("/")
        if chunk["index"] == 0:
            console.print(f"  [dim]Files in[/] [cyan]{view['archiveContainer']}/{folder}/[/]")
        console.print(f"    {file or chunk['detail'] or '-'}")
    console.print()


def _chunks(chunks: list[dict[str, Any]]) -> Table:
    """Fits into 80 columns, which the names of the files don't."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    table.add_column("chunk", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("SHA-256", no_wrap=True)
    table.add_column("event", no_wrap=True)
    for name in ("claimed", "archived", "released"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for chunk in chunks:
        table.add_row(
            str(chunk["index"]),
            _size(chunk["size"]),
            f"{chunk['sha256'][:_DIGEST_SHOWN]}…" if chunk["sha256"] else "-",
            _clock(chunk["eventTime"]),
            _after(chunk, "copyingAt"),
            _after(chunk, "archivedAt"),
            _after(chunk, "releasedAt"),
            Text(chunk["state"], style=_COLOURS[chunk["state"]]),
        )
    return table


def _clock(time: str) -> str:
    return f"{datetime.fromisoformat(time):%H:%M:%S}"


def _after(chunk: dict[str, Any], step: str) -> str:
    """Seconds from the event to a step."""
    if chunk[step] is None:
        return "-"
    passed = datetime.fromisoformat(chunk[step]) - datetime.fromisoformat(chunk["eventTime"])
    return f"+{passed.total_seconds():.2f} s"


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    return f"{size / 1024:,.0f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:,.1f} MiB"
