"""How Slack's errors are judged and how fast channels are served."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SlackError, SlackLost, SlackRetryable
from bot.pacing import AUTH, PERMANENT, Hold, Pace, Verdict, back_off, judge


def verdict(error: SlackError, *, method: str = "post", attempts: int = 1, doubt: bool = False) -> Verdict:
    return judge(error, method=method, attempts=attempts, doubt=doubt, random=lambda: 0.0)


@pytest.mark.parametrize(
    ("error", "method", "expected"),
    [
        (SlackRetryable("", code="ratelimited", retry_after=30), "post", Verdict(30, Hold.CHANNEL, doubt=False)),
        (SlackRetryable("", code="ratelimited", retry_after=30), "update", Verdict(30, Hold.EDITS, doubt=False)),
        (SlackRetryable("", code="rate_limited", retry_after=30), "delete", Verdict(30, Hold.EDITS, doubt=False)),
        (SlackRetryable("", code="ratelimited", retry_after=30), "find", Verdict(30, Hold.ROW, doubt=False)),
        (SlackRetryable("", retry_after=1), "post", Verdict(1, Hold.ROW, doubt=False)),
        (SlackLost(""), "post", Verdict(2, Hold.ROW, doubt=True)),
        (SlackLost(""), "update", Verdict(0.5, Hold.ROW, doubt=False)),
        (SlackError("", code="internal_error"), "post", Verdict(2, Hold.ROW, doubt=True)),
        (SlackError("", code="is_archived"), "post", Verdict(None, Hold.ROW, doubt=False)),
        (SlackError("", code="invalid_auth"), "post", Verdict(30, Hold.ALL, doubt=False)),
        (SlackError("", code="never_heard_of"), "post", Verdict(0.5, Hold.ROW, doubt=False)),
    ],
)
def test_each_kind_of_failure_waits_and_holds_as_it_must(error: SlackError, method: str, expected: Verdict) -> None:
    assert verdict(error, method=method) == expected


@given(st.sampled_from(["find", "update", "delete"]), st.booleans(), st.sampled_from([SlackLost(""), SlackError("")]))
def test_only_a_post_settles_or_raises_doubt(method: str, doubt: bool, error: SlackError) -> None:
    assert verdict(error, method=method, doubt=doubt).doubt is doubt


@given(st.integers(5, 10_000))
def test_what_goes_away_by_itself_is_tried_for_ever_and_the_unknown_is_not(attempts: int) -> None:
    for error in (SlackRetryable(""), SlackLost(""), SlackError("", code="service_unavailable")):
        assert (verdict(error, attempts=attempts).wait or 0) > 0
    assert verdict(SlackError("", code="never_heard_of"), attempts=attempts).wait is None


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_grow_to_a_minute_and_never_to_nothing(attempts: int, luck: float) -> None:
    wait = back_off(attempts, lambda: luck)
    assert 0.5 <= wait <= 60
    assert wait >= min(60, 2 ** (min(attempts, 10) - 1)) / 2


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.integers(1, 5))
def test_over_any_stretch_a_channel_gets_its_burst_and_one_call_a_second(gaps: list[float], burst: int) -> None:
    pace, booked, now, calls = Pace(1.0, burst), 0.0, 1000.0, list[float]()
    for gap in gaps:
        now = max(now + gap, pace.free_at(booked))
        booked = pace.spend(booked, now)
        calls.append(now)
    for start, first in enumerate(calls):
        for end, last in enumerate(calls[start:], start=1):
            assert end <= burst + (last - first) + 1e-6


def test_no_error_is_both_the_installations_and_the_messages_fault() -> None:
    assert not AUTH & PERMANENT
