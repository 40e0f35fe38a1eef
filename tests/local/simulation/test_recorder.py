"""The simulation's ACS answers starts as the real one does."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError

from local.simulation.world.recorder import Call, Change, How, Recorder, Start

_BEGINS = datetime(2026, 11, 21, 10, tzinfo=UTC)
_CALL = Call(name="a", begins=_BEGINS, ends=_BEGINS + timedelta(hours=1))
_NOW = _BEGINS + timedelta(minutes=1)


def _start(token: str, body: str = "body") -> Start:
    return Start(
        token=token,
        body=body,
        call_name=_CALL.server_call_id,
        kind=("audio", "mixed"),
        callback_url=None,
        paused=False,
    )


def _code(refused: pytest.ExceptionInfo[HttpResponseError]) -> str:
    response: object = refused.value.response
    return str(response.json()["error"]["code"])  # type: ignore[attr-defined]


def test_a_repeated_start_gets_the_answer_of_the_first_one():
    acs = Recorder((_CALL,))
    assert acs.start(_start("one"), _NOW) == acs.start(_start("one"), _NOW) == (200, "a-rec0")
    assert len(acs.recordings) == 1


def test_a_repeated_start_with_another_body_is_refused():
    acs = Recorder((_CALL,))
    acs.start(_start("one"), _NOW)
    with pytest.raises(HttpResponseError) as refused:
        acs.start(_start("one", "another body"), _NOW)
    assert _code(refused) == "8523"


def test_a_second_recording_of_the_same_kind_is_refused_while_the_first_one_runs():
    acs = Recorder((_CALL,))
    acs.start(_start("one"), _NOW)
    with pytest.raises(HttpResponseError) as refused:
        acs.start(_start("two"), _NOW)
    assert _code(refused) == "8553"
    acs.stop("a-rec0", _NOW)
    assert acs.start(_start("two"), _NOW) == (200, "a-rec1")


@pytest.mark.parametrize(
    ("at", "code"), [(_BEGINS - timedelta(seconds=1), "8501"), (_BEGINS + timedelta(hours=1), "8528")]
)
def test_a_call_can_be_recorded_only_while_it_lasts(at: datetime, code: str):
    with pytest.raises(HttpResponseError) as refused:
        Recorder((_CALL,)).start(_start("one"), at)
    assert _code(refused) == code


def test_a_recording_ends_with_its_call_and_is_forgotten():
    seen: list[Change] = []
    acs = Recorder((_CALL,), changed=lambda _, change: seen.append(change))
    acs.start(_start("one"), _NOW)
    assert acs.state("a-rec0") == "active"
    acs.end_call(_CALL, _NOW)
    with pytest.raises(HttpResponseError) as refused:
        acs.state("a-rec0")
    assert _code(refused) == "8522"
    with pytest.raises(HttpResponseError) as refused:
        acs.pause("a-rec0")
    assert _code(refused) == "8528"
    assert seen == [Change.BEGAN, Change.ENDED]


def test_a_start_that_fails_names_a_recording_that_never_runs():
    call = Call(name="a", begins=_BEGINS, ends=_CALL.ends, hows=(How.FAILS, How.UNNAMED))
    acs = Recorder((call,))
    assert acs.start(_start("one"), _NOW) == (202, "a-rec0")
    with pytest.raises(HttpResponseError):
        acs.state("a-rec0")
    assert acs.start(_start("two"), _NOW) == (202, None)
    assert acs.state("a-rec1") == "active"
