"""What the doctor found: one sentence each, and how to mend it. Findings never hold a setting's value."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"  # as it may well be meant
    WARNING = "warning"  # works, and will be regretted
    FAILURE = "failure"  # does not work


AUDIENCE_MEND = (
    "set CALLBACK_AUDIENCE to the immutable resource id of the ACS resource: `az communication show` gives it as "
    "immutableResourceId"
)
_MARKS = {Level.OK: "✓", Level.NOTE: "·", Level.WARNING: "!", Level.FAILURE: "✗"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    check: str
    level: Level
    detail: str
    mend: str | None = None


def ok(check: str, detail: str) -> Finding:
    return Finding(check=check, level=Level.OK, detail=detail)


def as_text(findings: Sequence[Finding]) -> str:
    lines: list[str] = []
    for one in findings:
        lines.append(f"{_MARKS[one.level]} {one.check}: {one.detail}")
        if one.mend:
            lines.append(f"    mend: {one.mend}")
    failures, warnings = (_count(findings, level) for level in (Level.FAILURE, Level.WARNING))
    lines.append(f"failures: {failures}, warnings: {warnings}, looked at: {len(findings)}")
    return "\n".join(lines) + "\n"


def as_json(findings: Sequence[Finding]) -> str:
    told = {"healthy": not has_failed(findings), "findings": [asdict(one) for one in findings]}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def has_failed(findings: Sequence[Finding]) -> bool:
    return _count(findings, Level.FAILURE) > 0


def _count(findings: Sequence[Finding], level: Level) -> int:
    return sum(one.level is level for one in findings)
