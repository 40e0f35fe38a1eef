"""Keeps the app's traces and metrics in memory, with OpenTelemetry's own SDK, so that tests can read them.

Providers are global to a process and can be set once, so there is one of each for the whole session.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Telemetry:
    def __init__(self) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracing = TracerProvider()
        tracing.add_span_processor(SimpleSpanProcessor(self._spans))
        trace.set_tracer_provider(tracing)
        metrics.set_meter_provider(MeterProvider([self._reader]))

    def spans(self, recording_key: str) -> Sequence[ReadableSpan]:
        """The spans of a recording, in the order in which they ended."""
        return [
            span
            for span in self._spans.get_finished_spans()
            if (span.attributes or {}).get("callvault.recording.key") == recording_key
        ]

    def points(self) -> dict[tuple[str, tuple[tuple[str, Any], ...]], Any]:
        """The measurements so far, by instrument and attributes: a counter's or gauge's value, a histogram's point."""
        collected = self._reader.get_metrics_data()
        found = {}
        for resource in collected.resource_metrics if collected else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        key = (metric.name, tuple(sorted((point.attributes or {}).items())))
                        found[key] = getattr(point, "value", point)
        return found


@cache
def telemetry() -> Telemetry:
    return Telemetry()
