"""Export of spans over real sockets: what arrives, and what happens to the program while the endpoint is in fault."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.config.traces import TraceExport
from bot.runtime.traces import exported_traces
from bot.telemetry.otel import MAX_CHARS, OtelTracer
from bot.telemetry.trace import Trace, current, joined, within
from bot.telemetry.tracer import NO_TRACER
from tests.support.otlp_receiver import OtlpReceiver, receiving

A, B = "a" * 32, "b" * 32


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OtlpReceiver]:
    """A receiver that the standard variables name."""
    async with receiving() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield found


@pytest.fixture
def tracer(receiver: OtlpReceiver) -> Iterator[OtelTracer]:
    assert receiver.url
    made = OtelTracer("1.2.3")
    yield made
    made.close()


async def test_spans_have_the_trace_of_the_work_and_their_parents(receiver: OtlpReceiver, tracer: OtelTracer) -> None:
    with within(Trace(A)), tracer.span("command", "consumer", cluster="prod"):
        outer = current().span
        with tracer.span("GET /stat", "client", method="GET", path="/stat", host="10.0.0.1:9998") as call:
            call.note(status=200)
    await receiver.until(lambda: len(receiver.spans) == 2)
    [parent], [child] = receiver.named("command"), receiver.named("GET /stat")
    assert (parent.trace, parent.parent, parent.id) == (A, "", outer)
    assert (child.trace, child.parent) == (A, outer)
    assert child.facts == {
        "http.request.method": "GET",
        "url.path": "/stat",
        "server.address": "10.0.0.1:9998",
        "http.response.status_code": 200,
    }
    assert parent.facts == {"cmbot.cluster": "prod"}
    assert (parent.resource["service.name"], parent.resource["service.version"]) == ("cmbot", "1.2.3")


async def test_stored_trace_is_continued_and_its_cause_is_linked(receiver: OtlpReceiver, tracer: OtelTracer) -> None:
    with within(Trace(A)), tracer.span("proposal"):
        stored = str(current())
    with within(Trace(B)), tracer.span("click"), joined(stored), tracer.span("decide"):
        pass
    await receiver.until(lambda: len(receiver.spans) == 3)
    [proposal], [decide] = receiver.named("proposal"), receiver.named("decide")
    assert (decide.trace, decide.parent, decide.links) == (A, proposal.id, (B,))


async def test_failures_have_a_type_and_no_text(receiver: OtlpReceiver, tracer: OtelTracer) -> None:
    with pytest.raises(ValueError, match="hunter2"), within(Trace(A)), tracer.span("crashing", text="x" * 1000):
        raise ValueError("hunter2")
    with within(Trace(A)), tracer.span("refused") as span:
        span.fail("907")
    await receiver.until(lambda: len(receiver.spans) == 2)
    [crashing], [refused] = receiver.named("crashing"), receiver.named("refused")
    assert (crashing.failed, crashing.facts["error.type"]) == (True, "ValueError")
    assert len(str(crashing.facts["cmbot.text"])) == MAX_CHARS
    assert (refused.failed, refused.facts["error.type"]) == (True, "907")
    assert "hunter2" not in str(receiver.spans)


async def test_sampler_leaves_out_whole_traces(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    tracer = OtelTracer("1")
    # The ratio compares the last 16 digits of the id.
    for trace in (f"{1:032x}", A):
        with within(Trace(trace)), tracer.span("outer"):
            stored = str(current())
            with tracer.span("inner"):
                pass
        assert stored == trace if trace == A else stored != trace
        with joined(stored), tracer.span("later"):
            pass
    await asyncio.to_thread(tracer.close)
    assert [(span.name, span.trace) for span in receiver.spans] == [
        (name, f"{1:032x}") for name in ("inner", "outer", "later")
    ]


@pytest.mark.parametrize("fault", ["refuses", "hangs", "gone"])
async def test_failing_endpoint_costs_neither_time_nor_memory(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64")
    if fault == "refuses":
        receiver.status = 429
    elif fault == "hangs":
        receiver.delay = 60.0
    else:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    tracer = OtelTracer("1")
    for _ in range(1000):
        with within(Trace(A)), tracer.span("poll"):
            await asyncio.sleep(0)
    if fault != "gone":
        await receiver.until(lambda: receiver.requests)
    processor = tracer._provider._active_span_processor._span_processors[0]
    assert len(processor._batch_processor._queue) <= 64  # type: ignore[attr-defined]
    await asyncio.to_thread(tracer.close)
    # What still runs is a daemon: the end of the process does not wait for it.
    assert all(each.daemon for each in threading.enumerate() if "Otel" in each.name or each.name == "last spans")


def test_nothing_is_exported_without_an_endpoint() -> None:
    with exported_traces(TraceExport(otel_exporter_otlp_endpoint="")) as tracer:
        assert tracer is NO_TRACER


@pytest.mark.parametrize(
    "settings",
    [{"otel_sdk_disabled": "true"}, {"otel_traces_exporter": "none"}, {"otel_exporter_otlp_protocol": "grpc"}],
)
def test_standard_variables_turn_the_export_off(settings: dict[str, str]) -> None:
    wanted = TraceExport(otel_exporter_otlp_endpoint="http://127.0.0.1:9", **settings)  # type: ignore[arg-type]
    with exported_traces(wanted) as tracer:
        assert tracer is NO_TRACER


def test_values_of_headers_are_secrets() -> None:
    wanted = TraceExport(otel_exporter_otlp_headers="authorization=Bearer%20abc,x-key=def")
    assert set(wanted.secrets) >= {"Bearer abc", "abc", "def"}
    assert "abc" not in repr(wanted)


async def test_core_needs_and_imports_nothing_of_the_extra() -> None:
    script = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ImportError(name)
import bot.cli.commands
import bot.cli.running
assert not any(name.partition(".")[0] == "opentelemetry" for name in sys.modules)
sys.meta_path.insert(0, Missing())
from bot.config.traces import TraceExport
from bot.runtime.traces import exported_traces
from bot.telemetry.tracer import NO_TRACER
with exported_traces(TraceExport(otel_exporter_otlp_endpoint="http://127.0.0.1:9")) as tracer:
    assert tracer is NO_TRACER
"""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()
    assert "extra otel" in said.decode()


def test_span_that_is_not_measured_changes_no_trace() -> None:
    with within(Trace(A)), NO_TRACER.span("poll", cluster="prod") as span:
        span.note(status=200)
        span.fail("x")
        assert current() == Trace(A)
