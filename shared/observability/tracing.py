"""One trace from an event to the release of its chunks, through OpenTelemetry's API, which does nothing without an SDK.

Each job and each chunk's row contain the trace context (W3C `traceparent`), so retries, sweeps and replays continue the
trace that the event began. Spans contain keys, states and reasons, but no personal data, no URLs, and no exception's
text or stack.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.domain.records import Chunk
from shared.errors import CallvaultError

_tracer = trace.get_tracer("callvault")
_w3c = TraceContextTextMapPropagator()
_FIELD = "traceparent"

Attributes = Mapping[str, str | int]


@contextmanager
def span(
    name: str,
    attributes: Attributes,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    context: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """A span of Callvault, whose parent is `context` or else the current span.

    An exception is recorded by its reason only: its text is for the caller and its stack for the log.
    """
    with _tracer.start_as_current_span(
        name,
        context,
        kind,
        attributes,
        links,
        record_exception=False,
        set_status_on_exception=False,
    ) as begun:
        try:
            yield begun
        except CallvaultError as error:
            fail(begun, error.reason)
            raise
        except Exception as error:
            fail(begun, type(error).__name__)
            raise


def resumed(
    name: str, traceparent: str | None, attributes: Attributes, *, kind: SpanKind = SpanKind.CONSUMER
) -> AbstractContextManager[Span]:
    """A span that continues the trace of a message or row, with a link to the current invocation's span.

    If the current span already belongs to that trace, the new span is its child.
    """
    if traceparent is None:
        return span(name, attributes, kind=kind)
    context, around = _w3c.extract({_FIELD: traceparent}), trace.get_current_span().get_span_context()
    if trace.get_current_span(context).get_span_context().trace_id == around.trace_id:
        return span(name, attributes, kind=kind)
    links = [Link(around)] if around.is_valid else []
    return span(name, attributes, kind=kind, context=context, links=links)


def fail(begun: Span, reason: str) -> None:
    """Marks a span as failed if no exception passes through it."""
    begun.set_attribute("error.type", reason)
    begun.set_status(Status(StatusCode.ERROR, reason))


def current() -> str | None:
    """The current span as a `traceparent`; None if tracing is off."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    return carrier.get(_FIELD)


def keys(chunk: Chunk) -> dict[str, str | int]:
    """The attributes that identify a span's chunk."""
    return {
        "callvault.recording.key": chunk.recording_key,
        "callvault.chunk.key": chunk.chunk_key,
        "callvault.chunk.index": chunk.index,
        "callvault.attempt": chunk.attempts,
    }
