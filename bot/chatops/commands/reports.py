"""/cm summary, handover, trend: reports on demand."""

from collections.abc import AsyncIterator, Sequence

from pydantic import Field, field_validator

from bot.chatops.commands.arguments import configured
from bot.common.durations import MAX_SPAN, seconds_of
from bot.common.text import listed
from bot.interactions.command import Args, Call, Command, Reply, Scope
from bot.views.handover import handover
from bot.views.summary import summary
from bot.views.trend import trend

_SPAN = "a time back from now such as 12h, 7d or 1d12h, at most 31d"
LONGEST = 31 * 86400.0
WINDOWS = ("7d", "30d", "90d")
_WINDOW = listed(WINDOWS, "or")


class WhichArgs(Args):
    """Of which cluster, and since when."""

    words = ("cluster",)
    cluster: str = Field("", max_length=40, description="only this cluster (all)")


class SummaryArgs(WhichArgs):
    """Of which cluster, and since when."""

    since: str = Field("24h", max_length=MAX_SPAN, description=f"{_SPAN} (24h)")

    @field_validator("since")
    @classmethod
    def _is_a_span(cls, value: str) -> str:
        _checked(value)
        return value


class HandoverArgs(WhichArgs):
    """Of which cluster, and since when."""

    since: str = Field("", max_length=MAX_SPAN, description=f"{_SPAN} (the last hand-over, else 12h)")

    @field_validator("since")
    @classmethod
    def _is_a_span(cls, value: str) -> str:
        if value:
            _checked(value)
        return value


class TrendArgs(Args):
    """The time span of the trend."""

    words = ("window",)
    window: str = Field("30d", max_length=MAX_SPAN, description=f"how far back: {_WINDOW} (30d)")

    @field_validator("window")
    @classmethod
    def _is_a_window(cls, value: str) -> str:
        try:
            seconds = seconds_of(value)
        except ValueError as error:
            raise ValueError(_WINDOW) from error
        if seconds not in map(seconds_of, WINDOWS):
            raise ValueError(_WINDOW)
        return value


def _checked(value: str) -> float:
    seconds = seconds_of(value)
    if not 0 < seconds <= LONGEST:
        raise ValueError(_SPAN)
    return seconds


async def run_summary(call: Call, args: SummaryArgs) -> AsyncIterator[Reply]:
    """Sum up what happened."""
    found = await call.reports.summary(_clusters(call, args.cluster), call.now - _checked(args.since))
    yield Reply(summary(found, threaded=False).message, private=False)


async def run_handover(call: Call, args: HandoverArgs) -> AsyncIterator[Reply]:
    """Report the state for the next shift."""
    since = call.now - _checked(args.since) if args.since else None
    found = await call.reports.handover(_clusters(call, args.cluster), since)
    yield Reply(handover(found, threaded=False).message, private=False)


async def run_trend(call: Call, args: TrendArgs) -> AsyncIterator[Reply]:
    """Show the space over time."""
    timeseries = await call.reports.timeseries(call.the_cluster.name, seconds_of(args.window))
    yield Reply(trend(timeseries), private=False)


def _clusters(call: Call, name: str) -> Sequence[str]:
    """Return the named cluster, or all of them; raises UserError for one that is not configured."""
    if not name:
        return tuple(call.clusters)
    return (configured(name, tuple(call.clusters)),)


SUMMARY = Command(
    path=("summary",),
    summary="What happened in the last day, and what is open: verdict, changes, alerts, operations, space.",
    args=SummaryArgs,
    run=run_summary,
    scope=Scope.NO_CLUSTER,
    examples=("/cm summary", "/cm summary prod", "/cm summary prod since=7d"),
    notes="The settings post it by the calendar as well, of the time since the one before.",
    manual="summaries.md",
)
HANDOVER = Command(
    path=("handover",),
    summary="For the next shift: what is open and who works on it, what goes on, what to watch.",
    args=HandoverArgs,
    run=run_handover,
    scope=Scope.NO_CLUSTER,
    examples=("/cm handover", "/cm handover prod since=8h"),
    notes="The settings post it at every change of shift with `kind: handover`.",
    manual="summaries.md",
)
TREND = Command(
    path=("trend",),
    summary="The space of a cluster over time, its growth and when it is full, as a chart and as text.",
    args=TrendArgs,
    run=run_trend,
    examples=("/cm trend", "/cm trend 90d prod"),
    notes=(
        "cmbot records the space every ten minutes. Added disks and single large jumps do not bend the forecast; the "
        "forecast names its basis."
    ),
)
