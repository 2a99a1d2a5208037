"""A receiver of OTLP/HTTP: it decodes what exporters send, and answers as the test wants."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Value = str | int | float | bool


@dataclass(frozen=True)
class Received:
    """A span as it was received; ids in hexadecimal, "" for none."""

    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    facts: Mapping[str, Value]
    failed: bool
    resource: Mapping[str, Value]


@dataclass
class OtlpReceiver:
    """The spans so far. `status` is the answer, `delay` the seconds before it."""

    url: str = ""
    status: int = 200
    delay: float = 0.0
    requests: int = 0
    headers: list[Mapping[str, str]] = field(default_factory=list)
    spans: list[Received] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one export."""
        self.requests += 1
        self.headers.append(dict(request.headers))
        body = await request.read()
        await asyncio.sleep(self.delay)
        if self.status != web.HTTPOk.status_code:
            return web.Response(status=self.status, headers={"Retry-After": "1"})
        self.spans += _decoded(gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body)
        return web.Response(body=b"", content_type="application/x-protobuf")

    def named(self, name: str) -> list[Received]:
        """The spans of that name, in order of arrival."""
        return [span for span in self.spans if span.name == name]

    async def until(self, found: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait until `found` is true; exporters run in threads, on the time of the machine."""
        ends = time.monotonic() + seconds
        while not found():
            assert time.monotonic() < ends, sorted({span.name for span in self.spans})
            await asyncio.sleep(0.02)


def _decoded(body: bytes) -> list[Received]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Received(
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            tuple(link.trace_id.hex() for link in span.links),
            _facts(span.attributes),
            span.status.code == span.status.STATUS_CODE_ERROR,
            _facts(each.resource.attributes),
        )
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]


def _facts(attributes: object) -> Mapping[str, Value]:
    found: dict[str, Value] = {}
    for each in attributes:  # type: ignore[attr-defined]  # a repeated field
        found[each.key] = getattr(each.value, each.value.WhichOneof("value"))
    return found


@asynccontextmanager
async def receiving() -> AsyncIterator[OtlpReceiver]:
    """Run a receiver on a free port of the loopback."""
    receiver = OtlpReceiver()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()
