"""One trace from an event to the release of its chunks, through OpenTelemetry's API: a no-op without an SDK.

The trace's context (W3C, `traceparent`) rides in each job and stands in the chunk's row, so that a retry, a sweep and a
replay go on with the trace that the event began. Spans name keys, states and reasons: nothing personal, no address, and
no exception's text or stack.
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
    """A step of ours: inside the context given, or else inside whatever span is current.

    An exception is told by its reason alone: its text is fit for a caller, and its stack for the log.
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
    """Work in the trace that a message or a row names; the invocation that carries it out is linked to it.

    What goes on inside that trace already is a step of the span that is current there.
    """
    if traceparent is None:
        return span(name, attributes, kind=kind)
    context, around = _w3c.extract({_FIELD: traceparent}), trace.get_current_span().get_span_context()
    if trace.get_current_span(context).get_span_context().trace_id == around.trace_id:
        return span(name, attributes, kind=kind)
    links = [Link(around)] if around.is_valid else []
    return span(name, attributes, kind=kind, context=context, links=links)


def fail(begun: Span, reason: str) -> None:
    """Marks a span as failed, where the error isn't raised through it."""
    begun.set_attribute("error.type", reason)
    begun.set_status(Status(StatusCode.ERROR, reason))


def current() -> str | None:
    """The current span as a `traceparent`; None when nothing traces."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    return carrier.get(_FIELD)


def keys(chunk: Chunk) -> dict[str, str | int]:
    """What a span says of its chunk."""
    return {
        "callvault.recording.key": chunk.recording_key,
        "callvault.chunk.key": chunk.chunk_key,
        "callvault.chunk.index": chunk.index,
        "callvault.attempt": chunk.attempts,
    }
