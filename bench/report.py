"""The results of a row: tables, and targets that were met or missed. Shown on the terminal and written as Markdown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

_COLOURS = {"met": "green", "missed": "bold red", "busy machine": "yellow"}


@dataclass(frozen=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target of a row, with the measured value. `busy`: other programs used the machine, so it is no verdict."""

    what: str
    measured: str
    wanted: str
    met: bool
    busy: bool = False

    @property
    def verdict(self) -> str:
        return "busy machine" if self.busy else "met" if self.met else "missed"


@dataclass(frozen=True, kw_only=True)
class Findings:
    title: str
    tables: list[Table]
    targets: list[Target] = field(default_factory=list)


def show(console: Console, findings: Findings) -> None:
    console.print(f"\n[bold]{findings.title}[/]")
    for table in findings.tables:
        shown = RichTable(title=table.title, title_justify="left", caption=table.note or None, caption_justify="left")
        for number, column in enumerate(table.columns):
            shown.add_column(column, justify="right" if number else "left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    for target in findings.targets:
        mark = f"[{_COLOURS[target.verdict]}]{target.verdict}[/]"
        console.print(f"  {mark}  {target.what}: {target.measured} (wanted: {target.wanted})")


def write(path: Path, machine: Iterable[str], many: Iterable[Findings], *, rounds: int) -> None:
    """Adds the findings to the file. Replaces older ones with the same title."""
    sections = _sections(path)
    for findings in many:
        sections[findings.title] = _section(findings, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {rounds} rounds")
    lines = ["# Results of the bench", "", "Written by `make bench`. Figures are medians. Contestants took turns.", ""]
    lines += [f"- {line}" for line in machine]
    path.write_text("\n".join([*lines, "", *sections.values()]))


def _sections(path: Path) -> dict[str, str]:
    text = path.read_text() if path.exists() else ""
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in text.split("\n## ")[1:]}


def _section(findings: Findings, measured: str) -> str:
    lines = [f"## {findings.title}", "", f"Measured {measured}."]
    for table in findings.tables:
        lines += ["", f"**{table.title}**", ""] if table.title else [""]
        lines += [_row(table.columns), _row(("---", *("---:" for _ in table.columns[1:])))]
        lines += [_row(row) for row in table.rows]
        lines += ["", table.note] if table.note else []
    if findings.targets:
        lines += ["", _row(("Target", "Measured", "Wanted", "")), _row(("---", "---:", "---:", "---"))]
        for one in findings.targets:
            verdict = one.verdict if one.verdict == "met" else f"**{one.verdict}**"
            lines.append(_row((one.what, one.measured, one.wanted, verdict)))
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
