"""When a silence begins and ends, from what a person typed. No I/O."""

from bot.alerting.problems import BadSilenceLength, EndBeforeStart, EndIsPast, StartIsPast, StartTooFarAhead
from bot.alerting.silences import MAX_SILENCE
from bot.common.errors import Refused
from bot.common.frozen import frozen

MAX_AHEAD = 31 * 86400.0
"""Seconds until the latest start of a silence that is planned ahead."""


@frozen
class Span:
    """When a silence begins and ends (Unix seconds); `begins` 0: at once."""

    begins: float
    until: float


_A_MINUTE = 60.0
"""Seconds by which a typed start may be past: the current minute, as the clock shows it."""


def span_of(now: float, *, begins: float | None, until: float | None, seconds: float) -> Span:
    """The span of a silence from its typed start and end, or its length in `seconds`; raises Refused.

    A start within the current minute is now.
    """
    if begins is not None and begins <= now - _A_MINUTE:
        raise Refused(StartIsPast(begins, now)).at("from")
    starts = now if begins is None or begins <= now else begins
    if starts - now > MAX_AHEAD:
        raise Refused(StartTooFarAhead(starts)).at("from")
    ends = starts + seconds if until is None else until
    if until is not None and ends <= now:
        raise Refused(EndIsPast(ends, now)).at("until")
    if until is not None and ends <= starts:
        raise Refused(EndBeforeStart(starts, ends)).at("until")
    if not 0 < ends - starts <= MAX_SILENCE:
        raise Refused(BadSilenceLength())
    return Span(0.0 if starts == now else starts, ends)
