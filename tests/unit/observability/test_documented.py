"""Alerts and dashboards are built on the documented names: documentation and code must agree on them."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.metrics import NoOpMeter

DOCUMENT = Path(__file__).parents[3] / "docs" / "observability.md"
ROW = re.compile(r"^\| `(?P<name>callvault\.[a-z._]+)` \| (?P<kind>[a-z]+) \| `(?P<unit>[^`]+)` \|", re.MULTILINE)
SPAN = re.compile(r"^\| `([a-z ]+)` \| (?:consumer|producer|internal) \|", re.MULTILINE)


class Noting(NoOpMeter):
    """Notes what instruments are asked for."""

    def __init__(self) -> None:
        super().__init__("callvault")
        self.made: set[tuple[str, str, str]] = set()

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Any:
        self.made.add((name, "counter", unit))
        return super().create_counter(name, unit, description)

    def create_histogram(self, name: str, unit: str = "", description: str = "", **advice: Any) -> Any:
        assert len(advice["explicit_bucket_boundaries_advisory"]) > 1, "the default borders fit milliseconds"
        self.made.add((name, "histogram", unit))
        return super().create_histogram(name, unit, description, **advice)

    def create_observable_gauge(self, name: str, callbacks: Any = None, unit: str = "", description: str = "") -> Any:
        self.made.add((name, "gauge", unit))
        return super().create_observable_gauge(name, callbacks, unit, description)


def test_the_documented_instruments_match_the_code(monkeypatch: pytest.MonkeyPatch):
    meter = Noting()
    monkeypatch.setattr(metrics, "get_meter", lambda _: meter)
    runpy.run_path(str(DOCUMENT.parents[1] / "shared" / "observability" / "metrics.py"))
    documented = {(row["name"], row["kind"], row["unit"]) for row in ROW.finditer(DOCUMENT.read_text())}
    assert documented == meter.made


def test_every_span_in_the_code_is_documented():
    sources = "".join(path.read_text() for path in (DOCUMENT.parents[1] / "shared").rglob("*.py"))
    made = set(re.findall(r"""tracing\.(?:span|resumed)\(\s*"([^"]+)\"""", sources))
    assert made == set(SPAN.findall(DOCUMENT.read_text()))
