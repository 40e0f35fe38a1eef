"""A function that fails unseen leaves its work undone: no alert would fire, and the real worker may never answer."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.app import Callvault
from shared.errors import DestinationForbidden, Interrupted
from shared.observability import failures


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """The text, function and reason of each line that alerts look for."""
    lines = [record.getMessage().partition(" {") for record in caplog.records if "function" in record.__dict__]
    fields = [(text, json.loads("{" + rest)) for text, _, rest in lines]
    return [(text, said["function"], said["reason"]) for text, said in fields]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DestinationForbidden("https://kept.example/?sig=secret"), "storage-forbidden"), (KeyError("secret"), "KeyError")],
)
def test_a_failure_is_logged_by_its_reason_and_raised_to_the_host(
    caplog: pytest.LogCaptureFixture, error: Exception, reason: str
):
    with pytest.raises(type(error)), failures.reporting_failures("keep_poison_message"):
        raise error
    (record,) = caplog.records
    line = f'function failed {{"action": "invoke", "function": "keep_poison_message", "reason": "{reason}"}}'
    assert record.getMessage() == line
    assert "secret" not in caplog.text


def test_a_success_logs_nothing(caplog: pytest.LogCaptureFixture):
    with failures.reporting_failures("keep_poison_message"):
        pass
    assert not caplog.records


def test_a_cancellation_becomes_a_failure_that_the_host_can_answer(caplog: pytest.LogCaptureFixture):
    with pytest.raises(Interrupted), failures.reporting_failures("sweep"):
        raise asyncio.CancelledError
    assert logged(caplog) == [("function failed", "sweep", "interrupted")]


class Part:
    """Stands in the place of the app's parts: whatever is asked of it fails."""

    def __init__(self, failure: BaseException) -> None:
        self._failure = failure

    def __getattr__(self, name: str) -> Any:
        return Part(self._failure)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self._failure


class Given:
    """What a trigger hands over; it answers anything."""

    headers: dict[str, str] = {}  # noqa: RUF012 - nobody writes it
    method, url = "POST", "https://contoso.azurewebsites.net/api"

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: b"{}"

    @property
    def params(self) -> dict[str, str]:
        return {}

    @property
    def route_params(self) -> dict[str, str]:
        return dict.fromkeys(("recordingId", "documentId", "quarantineId", "file"), "x")


type Function = tuple[str, str, Callable[..., Awaitable[Any]]]


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> list[Function]:
    """Name, kind of trigger and code of every function, as the worker would call it."""
    monkeypatch.setenv("ACS_ENDPOINT", "https://contoso.communication.azure.com")
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    monkeypatch.delitem(sys.modules, "function_app", raising=False)  # an app gives its functions once
    import function_app  # noqa: PLC0415 - it reads the settings as it is imported

    monkeypatch.setattr(function_app.ChunkJob, "decode", lambda _body: None)
    found = function_app.app.get_functions()
    return [(one.get_function_name(), str(one.get_trigger().type), one.get_user_function()) for one in found]


@pytest.mark.parametrize(
    ("failure", "reason"), [(asyncio.CancelledError(), "interrupted"), (KeyError("secret"), "KeyError")]
)
async def test_every_function_logs_its_own_failure_and_converts_cancellations(
    functions: list[Function],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: BaseException,
    reason: str,
):
    """A trigger of a new kind fails here until `_Triggers` wraps it."""
    monkeypatch.setattr(Callvault, "app", Part(failure))
    assert len(functions) >= 25
    for name, kind, code in functions:
        caplog.clear()
        if kind == "httpTrigger":
            answer = await code(Given())
            assert answer.status_code == (503 if reason == "interrupted" else 500), name
            assert json.loads(answer.get_body())["reason"] in ("interrupted", "internal-error")
            assert b"secret" not in answer.get_body()
        else:
            with pytest.raises(Interrupted if reason == "interrupted" else KeyError):
                await code(Given())
        assert ("function failed", name, reason) in logged(caplog), name
