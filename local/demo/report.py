"""Shows the demo's recordings: one line of progress, then a table of each recording's chunks and their times."""

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
_DIGEST_SHOWN = 12  # hexadecimal digits, enough to distinguish two files


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
        console.print(_recording(view))


def _recording(view: dict[str, Any]) -> Table:
    kind = f"{view['channel']} {view['content']} {view['format']}"
    facts = [f"{view['durationMs'] / 1000:,.0f} s", f"state {view['state']}"]
    if view["pausedAt"]:
        facts.append(f"paused {_clock(view['pausedAt'])}, resumed {_clock(view['resumedAt'])}")
    folder = next((chunk["blobName"].rpartition("/")[0] for chunk in view["chunks"] if chunk["blobName"]), "")
    table = Table(
        title=f"[bold]{view['correlation']}[/]  [dim]{kind} · {' · '.join(facts)}[/]\n"
        f"Files and their metadata are in [cyan]{view['archiveContainer']}/{folder}/[/]",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    for name, justify in (("chunk", "right"), ("size", "right"), ("SHA-256", "left"), ("event", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type] # rich accepts both values
    for name in ("claimed", "archived", "released"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("file", overflow="fold")
    for chunk in view["chunks"]:
        table.add_row(
            str(chunk["index"]),
            _size(chunk["size"]),
            f"{chunk['sha256'][:_DIGEST_SHOWN]}…" if chunk["sha256"] else "-",
            _clock(chunk["eventTime"]),
            _after(chunk, "copyingAt"),
            _after(chunk, "archivedAt"),
            _after(chunk, "releasedAt"),
            Text(chunk["state"], style=_COLOURS[chunk["state"]]),
            (chunk["blobName"] or "").rpartition("/")[2] or chunk["detail"] or "-",
        )
    return table


def _clock(time: str) -> str:
    return f"{datetime.fromisoformat(time):%H:%M:%S}"


def _after(chunk: dict[str, Any], step: str) -> str:
    """Milliseconds from the event to a step."""
    if chunk[step] is None:
        return "-"
    passed = datetime.fromisoformat(chunk[step]) - datetime.fromisoformat(chunk["eventTime"])
    return f"+{passed.total_seconds() * 1000:,.0f} ms"


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    return f"{size / 1024:,.0f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:,.1f} MiB"
