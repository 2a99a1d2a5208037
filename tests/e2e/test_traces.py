"""One id from a command over its approval to the request and the card: in rows, headers, the audit log and spans."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.cli.demo import Demo, demo
from bot.telemetry.otel import OtelTracer
from tests.e2e.conftest import QUICK
from tests.e2e.test_operations import BOB, ask, card_with, click, only_op, propose
from tests.support.otlp_receiver import OtlpReceiver, receiving

pytestmark = pytest.mark.fast_time


@dataclass
class Traced:
    """The demo, and the receiver of its spans."""

    world: Demo
    receiver: OtlpReceiver


@pytest.fixture
async def traced(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Traced]:
    async with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        tracer = OtelTracer("1")
        async with demo(port=0, timing=QUICK, poll=0.5, example_ports=False, clock=time.time, tracer=tracer) as world:
            yield Traced(world, receiver)
        await asyncio.to_thread(tracer.close)


async def test_one_id_leads_from_the_command_to_the_request_and_the_card(traced: Traced) -> None:
    world, receiver = traced.world, traced.receiver
    card = await propose(world, '/cm member remove 3 reason="disk lost hunter2"')
    await click(world, card, BOB)
    await card_with(world, card, "Verified")
    op = await only_op(world)
    trace = op.trace.partition("-")[0]
    assert len(trace) == 32
    # The request: an operator searches for the id in the log of the server.
    [request] = world.clusters["prod"].log.matching(method="POST", path="/member/remove")
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["x-reqid"].startswith(f"{trace}-")
    # The audit log: every step, and which click caused the later ones.
    async with world.app.store.read() as uow:
        rows = [row for row in await uow.audit.range() if row.op_id == op.id]
        sent = [row async for page in uow.dump.pages("posts") for row in page if f"op:{op.id}" in row["slot"]]
    assert {row.details["trace"] for row in rows} == {trace}
    [clicked] = {str(row.details["cause"]) for row in rows if "cause" in row.details}
    assert clicked != trace
    # The outbox: the card and the lines of its thread.
    assert {row["trace"].partition("-")[0] for row in sent} == {trace}
    # What a person sees of it.
    assert f"Its trace id in logs starts with `{trace[:12]}`" in (await ask(world, f"/cm op {op.id}")).full_text
    # The spans.
    await receiver.until(lambda: receiver.named("operation.verify"))
    await receiver.until(lambda: any(span.trace == trace for span in receiver.named("outbox.send")))

    def ancestors(span_id: str) -> list[str]:
        span = next((span for span in receiver.spans if span.id == span_id), None)
        return [] if span is None else [span.name, *ancestors(span.parent)]

    [post] = receiver.named("POST /member/remove")
    assert post.trace == trace
    # A span is sent when it ends: those that enclose others come last.
    await receiver.until(lambda: "command" in ancestors(post.id))
    assert ancestors(post.id) == ["POST /member/remove", "operation.execute", "operation.decide", "command"]
    [decide] = receiver.named("operation.decide")
    assert decide.links == (clicked,)
    assert [span.trace for span in receiver.named("click")] == [clicked]
    assert ancestors(receiver.named("operation.verify")[0].id)[1:] == [
        "operation.execute",
        "operation.decide",
        "command",
    ]
    await receiver.until(lambda: receiver.named("poll"))
    polls = {span.id: span for span in receiver.named("poll")}
    assert any(span.parent in polls for span in receiver.named("GET /stat"))
    assert len({span.trace for span in polls.values()}) == len(polls)
    # No text of a person, and no secret.
    everything = str(receiver.spans)
    assert "hunter2" not in everything
    assert world.slack.bot_token not in everything
