"""The export of traces while the program runs: on by the standard variables, if the extra `otel` is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import structlog

from bot.config.traces import TraceExport
from bot.telemetry.tracer import NO_TRACER, Tracer

log = structlog.get_logger(__name__)

MISSING = "the packages of OpenTelemetry are not installed: install cmbot with its extra otel"


@contextmanager
def exported_traces(wanted: TraceExport) -> Iterator[Tracer]:
    """Yield the tracer of the program; a problem is logged, and then nothing is exported."""
    if not wanted.wanted or wanted.problem:
        if wanted.wanted:
            log.warning("traces.not_exported", why=wanted.problem)
        yield NO_TRACER
        return
    try:
        from bot.telemetry.otel import OtelTracer  # noqa: PLC0415 - an optional extra
    except ImportError:
        log.warning("traces.not_exported", why=MISSING)
        yield NO_TRACER
        return
    tracer = OtelTracer(version("cmbot"))
    log.info("traces.exported")
    try:
        yield tracer
    finally:
        tracer.close()
