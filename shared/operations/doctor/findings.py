"""The doctor's findings: one sentence each, and how to fix it. A finding never contains a setting's value."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"  # may be intended
    WARNING = "warning"  # works, but will cause problems
    FAILURE = "failure"  # doesn't work


AUDIENCE_FIX = (
    "set CALLBACK_AUDIENCE to the immutable resource ID of the ACS resource: `az communication show` shows it as "
    "immutableResourceId"
)
_MARKS = {Level.OK: "✓", Level.NOTE: "·", Level.WARNING: "!", Level.FAILURE: "✗"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was checked, the result, and how to fix it."""

    check: str
    level: Level
    detail: str
    fix: str | None = None


def ok(check: str, detail: str) -> Finding:
    return Finding(check=check, level=Level.OK, detail=detail)


def as_text(findings: Sequence[Finding]) -> str:
    lines: list[str] = []
    for one in findings:
        lines.append(f"{_MARKS[one.level]} {one.check}: {one.detail}")
        if one.fix:
            lines.append(f"    fix: {one.fix}")
    failures, warnings = (_count(findings, level) for level in (Level.FAILURE, Level.WARNING))
    lines.append(f"failures: {failures}, warnings: {warnings}, checks: {len(findings)}")
    return "\n".join(lines) + "\n"


def as_json(findings: Sequence[Finding]) -> str:
    shown = [{"check": one.check, "level": one.level, "detail": one.detail, "fix": one.fix} for one in findings]
    return json.dumps({"healthy": not has_failed(findings), "findings": shown}, indent=2, ensure_ascii=False) + "\n"


def has_failed(findings: Sequence[Finding]) -> bool:
    return _count(findings, Level.FAILURE) > 0


def _count(findings: Sequence[Finding], level: Level) -> int:
    return sum(one.level is level for one in findings)
