"""Summary: one message of at most one screen; the rest goes into its thread. No I/O."""

from collections.abc import Iterator, Sequence

from bot.alerting.reports.summary import ClusterSummary, Summary
from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.views import blocks
from bot.views.folded import count_of
from bot.views.parts import Report, mark_of
from bot.views.spaces import shares
from bot.views.summary_lines import lines, period, verdict_line

MAX_CLUSTERS = 5
"""Clusters shown one by one; the others are named, with details in the thread."""
FEW = 2
"""Up to this number all clusters are shown, also quiet ones."""
MAX_LINES = 24
"""Lines that all clusters share: with the headline and the chart about a screen."""
MIN_LINES = 4
MAX_NAMES = 12
_SECTIONS = 20
_REPLIES = 6
_LATE_SECONDS = 300.0


def summary(value: Summary, *, threaded: bool = True) -> Report:
    """The summary, unhealthy clusters first; quiet ones share one line.

    Without a thread (as in the answer to a command) it names the command for the rest.
    """
    loud = [each for each in value.clusters if len(value.clusters) <= FEW or not each.quiet(value.now)]
    quiet = [each for each in value.clusters if each not in loud]
    shown, others = loud[:MAX_CLUSTERS], loud[MAX_CLUSTERS:]
    rooms = _rooms([len(lines(each, value.now)) for each in shown])
    parts = [
        blocks.section(_short(each, value.now, room, threaded=threaded))
        for each, room in zip(shown, rooms, strict=True)
    ]
    cut = [each for each, room in zip(shown, rooms, strict=True) if len(lines(each, value.now)) > room]
    head = f"{_headline(value)}."
    message = blocks.message(
        f"{head}{_open_alerts(value)}",
        blocks.header(_headline(value)),
        *parts,
        *_folded(others, quiet, threaded=threaded),
        *_chart(value),
        blocks.context(*_small_print(value)),
    )
    return Report(message, tuple(_details([*cut, *others], value.now)) if threaded else ())


def _rooms(wanted: Sequence[int]) -> list[int]:
    """Number of lines of each cluster: all if they fit, else the first clusters take what the others leave."""
    left, rooms = MAX_LINES, []
    for place, lines_wanted in enumerate(wanted):
        after = sum(min(each, MIN_LINES) for each in wanted[place + 1 :])
        rooms.append(min(lines_wanted, max(MIN_LINES, left - after)))
        left -= rooms[-1]
    return rooms


def _short(part: ClusterSummary, now: float, room: int, *, threaded: bool) -> str:
    shown = lines(part, now)
    if len(shown) <= room:
        return _listed(part, now, shown)
    where = ", in the thread" if threaded else f": `/cm summary {blocks.escape(part.name)}`"
    return _listed(part, now, [*shown[: room - 1], f"_… and {len(shown) - room + 1:,} more{where}_"])


def _listed(part: ClusterSummary, now: float, shown: Sequence[str]) -> str:
    return "\n".join((*verdict_line(part, now), *(f"• {line}" for line in shown)))


def _folded(
    others: Sequence[ClusterSummary], quiet: Sequence[ClusterSummary], *, threaded: bool
) -> Iterator[BlockJson]:
    if others:
        named = [f"{mark_of(each.level)} *{blocks.escape(each.name)}* {level_phrase(each.level)}" for each in others]
        yield blocks.section(f"{'In the thread' if threaded else 'And'}: {_some(named)}")
    if quiet:
        verb = "is" if len(quiet) == 1 else "are"
        named = [blocks.escape(each.name) for each in quiet]
        yield blocks.section(
            f"{mark_of('healthy')} *{blocks.count(len(quiet), 'cluster')}* {verb} healthy, and nothing changed: "
            f"{_some(named)}"
        )


def _some(names: Sequence[str]) -> str:
    return listed(names, most=MAX_NAMES)


def _chart(value: Summary) -> Iterator[BlockJson]:
    chart = shares({each.name: each.history for each in value.clusters}, value.now)
    if chart is not None:
        yield chart


def _small_print(value: Summary) -> Iterator[str]:
    yield from period(value.since, value.now, value.watched_later, len(value.clusters))
    if value.due_at and value.now - value.due_at > _LATE_SECONDS:
        yield f"late: due {blocks.date(value.due_at, 'minute')}, when cmbot could not post"
    yield "space of a cluster: `/cm trend` · open alerts: `/cm alerts`"


def _details(parts: Sequence[ClusterSummary], now: float) -> Iterator[Message]:
    """The clusters in full, as replies; the last reply counts what is left out."""
    for first in range(0, min(len(parts), _SECTIONS * _REPLIES), _SECTIONS):
        page = parts[first : first + _SECTIONS]
        sections = [blocks.section(_listed(part, now, lines(part, now))) for part in page]
        left = len(parts) - first - len(page) if first == _SECTIONS * (_REPLIES - 1) else 0
        rest = (
            [blocks.context(f"… and {left:,} more; for one of them: {blocks.code('/cm summary <cluster>')}")]
            if left
            else []
        )
        yield blocks.message(f"More on {blocks.count(len(page), 'cluster')}.", *sections, *rest)


def _headline(value: Summary) -> str:
    if not value.clusters:
        return "Summary: no cluster is configured"
    if len(value.clusters) == 1:
        only = value.clusters[0]
        return f"Summary: {blocks.escape(only.name)} is {level_phrase(only.level)}"
    return f"Summary of {len(value.clusters):,} clusters: {_levels(value.clusters)}"


def _open_alerts(value: Summary) -> str:
    found = [alert for each in value.clusters for alert in each.alerts]
    return f" {count_of(found)} {'is' if len(found) == 1 else 'are'} open." if found else ""


def level_phrase(level: str) -> str:
    """A level as a predicate: `healthy`, `without a leader`."""
    phrases = {"no leader": "without a leader", "contradiction": "contradicting itself", "unknown": "not polled yet"}
    return phrases.get(level, level)


def _levels(clusters: Sequence[ClusterSummary]) -> str:
    levels = [level_phrase(each.level) for each in clusters]
    return ", ".join(f"{levels.count(level):,} {level}" for level in dict.fromkeys(levels))
