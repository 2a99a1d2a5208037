"""Lines of one cluster in a summary, the most urgent first. No I/O."""

from collections.abc import Iterator, Mapping, Sequence

from bot.alerting.model import Alert
from bot.alerting.reports.facts import OperationFact, Pending
from bot.alerting.reports.summary import STALE_SECONDS, ClusterSummary, Growth, Off
from bot.alerting.risk_facts import RiskFact
from bot.views.alert_text.table import sentence_of
from bot.views.alerts import severity_mark, severity_word
from bot.views.blocks import code, count, date, duration, escape, percent, size
from bot.views.folded import where_folded
from bot.views.holders import until
from bot.views.op_parts import person
from bot.views.parts import mark_of, verdict_of
from bot.views.report_text import change_text
from bot.views.risk_text import risk_mark, risk_text
from bot.views.silence_times import author_of
from bot.views.spaces import forecast, pace, range_of
from bot.views.status_text import noted_sentence

_MAX_REASON = 80
_OLD_SECONDS = 1800.0
"""Seconds after which a measurement shows its time; one is taken every ten minutes."""
_FAR_DAYS = 400.0
"""A summary mentions no forecast beyond this number of days."""
_MAX_LATE = 3
"""Clusters whose first measurement is named, the latest first."""


def verdict_line(part: ClusterSummary, now: float) -> Iterator[str]:
    """The status with the cluster's name in bold, and its time if it is old."""
    noted = part.verdict or not_polled(part.name)
    yield f"{mark_of(part.level)} {verdict_of(part.name, noted_sentence(part.name, noted, part.raised_by))}"
    if part.at and now - part.at > STALE_SECONDS:
        yield f"_As of {date(part.at, 'minute')}; not polled since._"


def not_polled(name: str) -> str:
    """The sentence of a cluster without a status."""
    return f"{name} has not been polled yet."


def lines(part: ClusterSummary, now: float) -> list[str]:
    """All lines of a cluster, in mrkdwn."""
    found = [
        *(alert_line(alert, now, part.alerts, part.verdict) for alert in part.alerts),
        *([risk_line(part.risk)] if part.risk else []),
        *(pending_line(each, now) for each in part.pending),
        *_ending(part, now),
        *(off_line(off, now) for off in part.off),
        *(escape(change_text(change)) for change in part.changes),
        *(operation_line(operation) for operation in part.operations),
    ]
    return [*(found or ["nothing changed"]), *_space(part, now)]


def alert_line(alert: Alert, now: float, alerts: Sequence[Alert], verdict: str = "") -> str:
    """An open alert: its number, severity, age, owner, and in which of the cluster's `alerts` it is folded.

    What the `verdict` above says already is not said twice.
    """
    held = f", acknowledged by {named(alert.acked_by)}{until(alert)}" if alert.acked_by else ""
    lasts = duration(now - alert.since) + where_folded(alert, alerts)
    mark, word = severity_mark(alert.severity), severity_word(alert.severity)
    number, sentence = f"#{alert.id} " if alert.id else "", sentence_of(alert)
    said = ", as above" if sentence.rstrip(".") in verdict else f": {escape(sentence)}"
    return f"{mark} {number}{word} for {lasts}{held}{said}"


def risk_line(fact: RiskFact) -> str:
    """The volumes at risk, as the watch judged them last."""
    when = f", as of {date(fact.at, 'minute')}" if fact.at else ""
    return f"{risk_mark(fact.risk)} volumes: {escape(risk_text(fact.risk))}{when}"


def pending_line(each: Pending, now: float) -> str:
    """An open operation, or a switch with a lease."""
    what = f"operation #{each.op} ({escape(each.words)}, requested by {named(each.by)})"
    if each.state == "leased":
        return f"⏱ {what} reverts in {duration(each.until - now)}"
    if each.state == "waiting":
        until = f", expires in {duration(each.until - now)}" if each.until > now else ""
        return f"⏳ {what} waits for approval{until}"
    if each.state == "unknown":
        return f"❓ {what}: unknown whether it was applied"
    return f"⏳ {what} is {escape(each.state)}"


def _ending(part: ClusterSummary, now: float) -> Iterator[str]:
    for silence in part.ending:
        what = "all alerts" if silence.rule == "*" else code(silence.rule)
        if silence.scope is not None:
            what = f"the maintenance of {code(silence.subject)}"
        if silence.window is not None:
            what = f"the maintenance window {code(silence.window.name)}"
        yield f"🔕 silence #{silence.id} of {what} ends in {duration(silence.until - now)} ({author_of(silence)})"
    if part.silences > len(part.ending):
        yield f"🔕 {count(part.silences - len(part.ending), 'silence')} in force: `/cm silences`"


def period(since: float, now: float, watched_later: Mapping[str, float], clusters: int) -> Iterator[str]:
    """The time of a report, then the part of it that cmbot did not watch, of how many clusters."""
    yield f"from {date(since, 'minute')} to {date(now, 'minute')}"
    if not watched_later:
        return
    if len(watched_later) == clusters:
        yield f"watched only since {date(min(watched_later.values()), 'minute')}: nothing earlier is known"
        return
    latest = sorted(watched_later.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{escape(name)} since {date(at, 'minute')}" for name, at in latest[:_MAX_LATE]]
    more = len(latest) - len(words)
    yield f"watched only later: {', '.join(words)}{f' and {more:,} more' if more else ''}"


def off_line(off: Off, now: float) -> str:
    """A switch that is not on."""
    state = "off" if off.stored is None else f"meaningless ('{escape(off.stored)}')"
    return f"⚪ {code(off.task)} has been {state} for {duration(now - off.since)}"


def named(user: str) -> str:
    """A user, or `cmbot` if there is none."""
    return person(user) if user else "cmbot"


def operation_line(operation: OperationFact) -> str:
    """An operation with its requester, approvers and reason."""
    who = f"requested by {named(operation.by)}" if operation.by else ""
    approved = f"approved by {' and '.join(map(named, operation.approved))}" if operation.approved else ""
    why = f"“{escape(operation.why[:_MAX_REASON])}”" if operation.why else ""
    details = ", ".join(each for each in (who, approved, why) if each)
    return f"{escape(operation.words)}{f' ({details})' if details else ''}"


def _space(part: ClusterSummary, now: float) -> Iterator[str]:
    if part.growth is None:
        return
    near = part.trend.full_in is not None and part.trend.full_in <= _FAR_DAYS
    parts = [_moved(part.growth), pace(part.trend, part.growth.total), forecast(part.trend) if near else ""]
    between = range_of(part.trend) if near else ""
    if now - part.growth.at > _OLD_SECONDS:
        parts.append(f"measured {date(part.growth.at, 'minute')}")
    yield f"{' · '.join(each for each in parts if each)}{f' ({between})' if between else ''}"


def _moved(growth: Growth) -> str:
    moved = growth.after - growth.before
    share = percent(growth.after, growth.total)
    used = f"{size(growth.after)} of {size(growth.total)} used ({share})"
    if not moved:
        return f"{used}, as before"
    return f"{used}, {size(abs(moved))} {'more' if moved > 0 else 'less'} than before"
