"""Status line: the condition of cmbot itself, in one message that is edited in place. No I/O."""

from collections.abc import Sequence

from bot.alerting.model import Silence
from bot.common.frozen import frozen
from bot.interactions.message import Message
from bot.views.blocks import context, count, date, duration, escape, message, section
from bot.views.clusters import NOT_YET, ClusterLine
from bot.views.parts import bullets, mark_of
from bot.views.silence_times import muted_now

MAX_LINES = 30
_WHOLE_FROM = 10
"""Seconds from which on an interval is shown in whole seconds."""


@frozen
class Status:
    """Values of the status line at `at` (Unix seconds): each cluster's last status, queued messages, dead letters.

    `waiting` is the age of the oldest queued message in seconds; `error` is why cmbot cannot work, "" if it can.
    `silences` are those in force.
    """

    at: float
    lines: Sequence[ClusterLine]
    depth: int
    waiting: float
    dead: int
    error: str = ""
    silences: Sequence[Silence] = ()


STORE_SILENT = "its database does not answer."
READS_WAIT = "The clusters have more disks and volumes to read than one process reads at once: some wait unread."


def not_polled_lately(clusters: Sequence[str]) -> str:
    """The problem of clusters whose last poll is too old; plain text, not escaped."""
    return f"{', '.join(clusters)}: not polled lately."


def token_rejected(error: str) -> str:
    """The problem of a bot token that Slack rejects with `error`; plain text, not escaped."""
    return f"Slack rejects the bot token ({error})"


def not_sent(seconds: float) -> str:
    """The problem of a message that waits for too long."""
    return f"a message has been waiting to be sent for {seconds:.0f} s"


def too_many_clusters(clusters: int, interval: float, actual: float) -> str:
    """The problem of a load that is too high, with the intervals of the settings and of the polls in seconds."""
    now = f"{actual:.0f}" if actual >= _WHOLE_FROM else f"{actual:.2g}"
    return (
        f"{count(clusters, 'cluster')} {'is' if clusters == 1 else 'are'} more than this process can "
        f"poll every {interval:g} s; the interval is now {now} s."
    )


def status(now: Status) -> Message:
    """The status line with its time; it is edited while cmbot runs."""
    healthy = sum(line.level == "healthy" for line in now.lines)
    of = count(len(now.lines), "cluster")
    are = "is" if healthy == 1 else "are"
    does = f"cmbot has a problem: {escape(now.error)}" if now.error else "cmbot is watching."
    sentence = f"{does} {healthy} of {of} {are} healthy."
    return message(
        f"{sentence} As of {date(now.at, 'minute')}.",
        section(f"{'🟡' if now.error else '🟢'} *{sentence}* As of {date(now.at, 'full')}"),
        *_clusters(now.lines),
        *muted_now(now.silences),
        context(
            _oldest(now.lines), _outbox(now), "Updated about every minute; if this is older, cmbot is not running."
        ),
    )


def stopped(at: float, lines: Sequence[ClusterLine]) -> Message:
    """The status line after an orderly end."""
    sentence = f"cmbot was stopped {date(at, 'full')}. Nothing is watched until it is started again."
    return message(sentence, section(f"⏹️ *{sentence}*"), context(_oldest(lines)))


def _clusters(lines: Sequence[ClusterLine]) -> list[dict[str, object]]:
    shown = [f"{mark_of(line.level)} *{escape(line.name)}* {escape(line.level)}{_seen(line)}" for line in lines]
    return [dict(section(bullets(shown, MAX_LINES)))] if shown else []


def _seen(line: ClusterLine) -> str:
    return f", {date(line.noted.at, 'time')}" if line.noted.at else ""


def _oldest(lines: Sequence[ClusterLine]) -> str:
    times = [(line.noted.at, line.name) for line in lines if line.noted.at]
    if len(times) < len(lines) or not times:
        return f"Oldest poll: {escape(next((line.name for line in lines if not line.noted.at), ''))} {NOT_YET}"
    at, name = min(times)
    return f"Oldest poll: {escape(name)}, {date(at, 'full')}"


def _outbox(now: Status) -> str:
    waits = f", the oldest for {duration(now.waiting)}" if now.depth else ""
    dead = f" · {count(now.dead, 'message')} that Slack refused: `/cm ops`" if now.dead else ""
    return f"{count(now.depth, 'message')} to be sent{waits}{dead}"
