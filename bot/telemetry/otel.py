"""Spans as OpenTelemetry exports them, over OTLP/HTTP; needs the extra `otel`, and nothing else imports its packages.

A thread of the library sends the spans from a queue of limited length. While the endpoint is down, slow or refuses,
spans are dropped; nothing waits for it. Standard variables set the endpoint, the sampler and the limits.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import requests
from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from bot.telemetry.trace import Trace, current, stored_trace, within_span
from bot.telemetry.tracer import Fact, Kind, TraceSpan

MAX_ATTRIBUTES = 24
MAX_CHARS = 200
"""Characters of an attribute."""
CLOSE_SECONDS = 2.0
"""Time in which the end of the program sends what is left."""
_KINDS: Mapping[Kind, api.SpanKind] = MappingProxyType(
    {"internal": api.SpanKind.INTERNAL, "client": api.SpanKind.CLIENT, "consumer": api.SpanKind.CONSUMER}
)
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "method": "http.request.method",
        "path": "url.path",
        "host": "server.address",
        "status": "http.response.status_code",
        "size": "http.response.body.size",
        "error": "error.type",
    }
)
"""The names of OpenTelemetry; every other attribute is `cmbot.<name>`."""
_SAMPLED = api.TraceFlags(api.TraceFlags.SAMPLED)


class _Ids(RandomIdGenerator):
    """Gives the first span of a trace the id that logs and rows have already."""

    def generate_trace_id(self) -> int:
        """Return the id of the current trace, else a random one."""
        return int(current().id or "0", 16) or super().generate_trace_id()


class _OtelSpan:
    """A span that is measured."""

    __slots__ = ("_span",)

    def __init__(self, span: api.Span) -> None:
        self._span = span

    def note(self, **facts: Fact) -> None:
        """Add attributes."""
        self._span.set_attributes(_attributes(facts))

    def fail(self, code: str) -> None:
        """Mark the work as failed."""
        self._span.set_status(api.StatusCode.ERROR)
        self._span.set_attribute(_NAMES["error"], code)


class OtelTracer:
    """Exports spans until `close`."""

    def __init__(self, version: str) -> None:
        found = Resource.create({SERVICE_VERSION: version})
        if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
            found = found.merge(Resource({SERVICE_NAME: "cmbot"}))
        self._provider = TracerProvider(
            resource=found,
            id_generator=_Ids(),
            span_limits=SpanLimits(max_span_attributes=MAX_ATTRIBUTES, max_span_attribute_length=MAX_CHARS),
            shutdown_on_exit=False,
        )
        session = requests.Session()
        # Proxies of the environment are for Slack alone; nor does it look for passwords in a .netrc.
        session.trust_env = False
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=session)))
        self._tracer = self._provider.get_tracer("cmbot", version)

    @contextmanager
    def span(self, name: str, kind: Kind = "internal", **facts: Fact) -> Iterator[TraceSpan]:
        """Measure the block; of an exception only its type is exported."""
        trace = current()
        cause = _remote(stored_trace(trace.cause))
        span = self._tracer.start_span(
            name,
            # Never the context of the library: a trace begins with an id of ours.
            api.set_span_in_context(api.NonRecordingSpan(_remote(trace) or api.INVALID_SPAN_CONTEXT), Context()),
            _KINDS[kind],
            _attributes(facts),
            [api.Link(cause)] if cause is not None else (),
        )
        measured = _OtelSpan(span)
        try:
            with within_span(_id_of(span) or trace.span):
                yield measured
        except BaseException as error:
            measured.fail(type(error).__name__)
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Send what is left, for CLOSE_SECONDS at most."""
        ending = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)


def _remote(trace: Trace) -> api.SpanContext | None:
    """The span of a trace as the parent of another one, None if none was exported."""
    if not trace.id or not trace.span:
        return None
    return api.SpanContext(int(trace.id, 16), int(trace.span, 16), is_remote=True, trace_flags=_SAMPLED)


def _id_of(span: api.Span) -> str:
    """Id of a span, "" for one that the sampler left out: its children ask the sampler again, by the same trace id."""
    found = span.get_span_context()
    return api.format_span_id(found.span_id) if found.trace_flags.sampled else ""


def _attributes(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {_NAMES.get(name, f"cmbot.{name}"): value for name, value in facts.items() if value != ""}
