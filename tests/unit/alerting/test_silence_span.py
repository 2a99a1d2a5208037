"""The span of a silence from what was typed: accepted, or refused with the argument that is wrong."""

import pytest

from bot.alerting.problems import BadSilenceLength, EndBeforeStart, EndIsPast, StartIsPast, StartTooFarAhead
from bot.alerting.silence_span import MAX_AHEAD, Span, span_of
from bot.alerting.silences import MAX_SILENCE
from bot.common.errors import Problem, Refused

NOW, HOUR = 1_000_000.0, 3600.0


@pytest.mark.parametrize(
    ("begins", "until", "span"),
    [
        (None, None, Span(0.0, NOW + HOUR)),
        (None, NOW + 2 * HOUR, Span(0.0, NOW + 2 * HOUR)),
        (NOW - 30, None, Span(0.0, NOW + HOUR)),
        (NOW + 10, None, Span(NOW + 10, NOW + 10 + HOUR)),
        (NOW + HOUR, NOW + 2 * HOUR, Span(NOW + HOUR, NOW + 2 * HOUR)),
    ],
)
def test_span_has_start_and_end(begins: float | None, until: float | None, span: Span) -> None:
    assert span_of(NOW, begins=begins, until=until, seconds=HOUR) == span


@pytest.mark.parametrize(
    ("begins", "until", "problem", "argument"),
    [
        (NOW - HOUR, None, StartIsPast, "from"),
        (NOW + MAX_AHEAD + 1, None, StartTooFarAhead, "from"),
        (None, NOW - 1, EndIsPast, "until"),
        (None, NOW, EndIsPast, "until"),
        (NOW + 2 * HOUR, NOW + HOUR, EndBeforeStart, "until"),
        (NOW + HOUR, NOW + HOUR, EndBeforeStart, "until"),
        (None, NOW + MAX_SILENCE + 1, BadSilenceLength, ""),
    ],
)
def test_impossible_span_is_refused(
    begins: float | None, until: float | None, problem: type[Problem], argument: str
) -> None:
    with pytest.raises(Refused) as error:
        span_of(NOW, begins=begins, until=until, seconds=HOUR)
    assert (type(error.value.problem), error.value.argument) == (problem, argument)
