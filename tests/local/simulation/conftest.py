import pytest
from opentelemetry.trace import NoOpTracer

from shared.observability import tracing


@pytest.fixture(autouse=True)
def _tracing_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation has no tracer: another test of the process may have set one, whose ids are random."""
    monkeypatch.setattr(tracing, "_tracer", NoOpTracer())
