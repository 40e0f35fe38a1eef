"""The schedules require that a recording's history contains what callers did."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from local.faults.judging.audit import wrong_history
from local.faults.playing.caller_requests import CallerRequests
from shared.domain.records import AuditEntry

KEY = "ab" * 16
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def entries(number: int, *, by: str = "function key") -> list[AuditEntry]:
    return [AuditEntry(at=NOW, action="replay", by=by, details={})] * number


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_request_whose_response_was_lost_may_have_an_entry(number: int) -> None:
    requests = CallerRequests(requested={KEY: Counter(replay=3)}, confirmed={KEY: Counter(replay=1)})
    assert not wrong_history(KEY, entries(number), requests)


@pytest.mark.parametrize("number", [0, 4])
def test_a_confirmed_request_has_an_entry_and_no_entry_is_without_a_request(number: int) -> None:
    requests = CallerRequests(requested={KEY: Counter(replay=3)}, confirmed={KEY: Counter(replay=1)})
    (wrong,) = wrong_history(KEY, entries(number), requests)
    assert f"has {number} entries of 'replay'; 3 were requested, 1 confirmed" in wrong


def test_an_entry_names_its_caller() -> None:
    requests = CallerRequests(requested={KEY: Counter(replay=1)}, confirmed={KEY: Counter(replay=1)})
    (wrong,) = wrong_history(KEY, entries(1, by=""), requests)
    assert wrong.endswith("has an entry without a caller: replay")
