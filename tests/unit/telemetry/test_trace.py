"""Trace: the id of the work that runs, where it comes from and where it goes."""

import asyncio

import pytest

from bot.telemetry.trace import (
    NO_TRACE,
    Trace,
    current,
    joined,
    new_trace,
    request_id,
    stored_trace,
    trace_of,
    traced_detail,
    within,
    within_span,
)

A, B, SPAN = "a" * 32, "b" * 32, "c" * 16


def test_trace_of_a_delivery_is_the_same_in_every_process() -> None:
    assert trace_of("1.2.3") == trace_of("1.2.3") != trace_of("1.2.4")
    assert len(trace_of("1.2.3").id) == 32
    assert int(trace_of("1.2.3").id, 16)


def test_deliveries_without_a_key_share_no_trace() -> None:
    assert trace_of("") != trace_of("")


@pytest.mark.parametrize("trace", [NO_TRACE, Trace(A), Trace(A, SPAN)])
def test_stored_form_is_read_back(trace: Trace) -> None:
    assert stored_trace(str(trace)) == trace


@pytest.mark.parametrize("text", ["x", A[1:], A.upper(), "0" * 32, f"{A}-{SPAN}x", f"{A}\n"])
def test_any_other_text_is_no_trace(text: str) -> None:
    assert stored_trace(text) == NO_TRACE


def test_block_runs_in_its_trace_and_then_in_the_one_before() -> None:
    with within(Trace(A)):
        with within(Trace(B)):
            assert current().id == B
        assert current().id == A
    assert current() == NO_TRACE


def test_same_trace_keeps_its_span() -> None:
    with within(Trace(A)), within_span(SPAN), within(Trace(A)):
        assert str(current()) == f"{A}-{SPAN}"


def test_click_goes_on_in_the_trace_of_the_operation_as_its_cause() -> None:
    with within(Trace(B)), joined(f"{A}-{SPAN}"):
        assert current() == Trace(A, SPAN, B)
        assert traced_detail() == {"trace": A, "cause": B}


def test_operation_without_a_trace_is_continued_in_the_current_one() -> None:
    with within(Trace(B)), joined(""):
        assert traced_detail() == {"trace": B}


def test_no_trace_leaves_no_detail() -> None:
    assert traced_detail() == {}


def test_requests_of_a_trace_begin_with_its_id() -> None:
    with within(Trace(A)):
        one, other = request_id(), request_id()
    assert one != other
    assert one.startswith(f"{A}-")
    assert other.startswith(f"{A}-")
    assert len(request_id()) == 32


async def test_tasks_of_a_block_are_in_its_trace_and_others_are_not() -> None:
    async def seen() -> str:
        await asyncio.sleep(0)
        return current().id

    with within(Trace(A)):
        inside = asyncio.create_task(seen())
    outside = asyncio.create_task(seen())
    assert (await inside, await outside) == (A, "")


def test_new_traces_differ() -> None:
    assert new_trace() != new_trace()
