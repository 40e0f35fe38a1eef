"""A queue's function that fails is seen by nobody unless it says so itself, and then no alert would ring."""

import re
from pathlib import Path

import pytest

from shared import failures
from shared.errors import DestinationForbidden

FUNCTION_APP = Path(__file__).parents[2] / "function_app.py"


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DestinationForbidden("https://kept.example/?sig=secret"), "storage-forbidden"), (KeyError("secret"), "KeyError")],
)
def test_a_failure_is_told_by_its_reason_and_goes_on_to_the_host(
    caplog: pytest.LogCaptureFixture, error: Exception, reason: str
):
    with pytest.raises(type(error)), failures.told("bury_job"):
        raise error
    (record,) = caplog.records
    told = f'function failed {{"action": "invoke", "function": "bury_job", "reason": "{reason}"}}'
    assert record.getMessage() == told
    assert "secret" not in caplog.text


def test_what_ends_well_says_nothing(caplog: pytest.LogCaptureFixture):
    with failures.told("bury_job"):
        pass
    assert not caplog.records


def test_each_function_of_a_queue_tells_of_its_failures_under_its_own_name():
    source = FUNCTION_APP.read_text(encoding="utf-8")
    found = re.findall(r"@app\.queue_trigger\(.*\nasync def (\w+)\(.*\n    with failures\.told\(\"(\w+)\"\):", source)
    assert len(found) == source.count("@app.queue_trigger(") > 0
    assert all(name == told for name, told in found)
