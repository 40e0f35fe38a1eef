"""The list of a call: what the simulation accepts in it."""

from typing import Any

import pytest

from local.simulation.judging.answers import wrong_in_list

_ROWS: dict[str, Any] = {
    "first": {"serverCallId": "call"},
    "other": {"serverCallId": "another call"},
    "unnamed": {},  # the process that added it to the list died before it wrote the call
}


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        (["first"], set()),
        (["first", "unnamed"], set()),
        ([], {"first"}),
        (["first", "other"], {"other"}),
        (["first", "no row"], {"no row"}),
    ],
)
def test_the_list_of_a_call_has_its_recordings_and_no_others(listed: list[str], wrong: set[str]):
    assert wrong_in_list("call", listed, _ROWS) == wrong
