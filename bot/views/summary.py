"""A periodic summary as one message of at most a screen. Pure."""

from collections.abc import Sequence

from bot.monitor.alert import Alert
from bot.monitor.summary import ClusterSummary, Growth, Summary
from bot.views import blocks
from bot.views.alerts import severity_mark, severity_word
from bot.views.message import BlockJson, Message
from bot.views.parts import bullets, mark_of

MOST_CLUSTERS = 8
MOST_CHANGES = 4
MOST_ALERTS = 4
MOST_DEEDS = 3
STALE_SECONDS = 300.0


def summary(value: Summary) -> Message:
    """The summary as a message; clusters beyond the first eight are counted by their level."""
    shown, rest = value.clusters[:MOST_CLUSTERS], value.clusters[MOST_CLUSTERS:]
    parts: list[BlockJson] = [blocks.header(_headline(value))]
    parts += [blocks.section(_cluster(each, value.now)) for each in shown]
    if rest:
        parts.append(blocks.section(f"And {blocks.count(len(rest), 'more cluster')}: {_levels(rest)}."))
    window = f"from {blocks.date(value.since, 'minute')} to {blocks.date(value.now, 'minute')}"
    return blocks.message(f"{_headline(value)}.", *parts, blocks.context(window))


def _headline(value: Summary) -> str:
    if not value.clusters:
        return "Summary: no cluster to tell of"
    if len(value.clusters) == 1:
        only = value.clusters[0]
        return f"Summary: {blocks.escape(only.name)} is {_level_phrase(only.level)}"
    return f"Summary of {len(value.clusters):,} clusters: {_levels(value.clusters)}"


def _level_phrase(level: str) -> str:
    return {"no leader": "without a leader", "contradiction": "contradicting itself"}.get(level, level)


def _levels(clusters: Sequence[ClusterSummary]) -> str:
    levels = [_level_phrase(each.level) for each in clusters]
    return ", ".join(f"{levels.count(level):,} {level}" for level in dict.fromkeys(levels))


def _cluster(part: ClusterSummary, now: float) -> str:
    lines = [f"{mark_of(part.level)} {_named(blocks.escape(part.name), blocks.escape(part.verdict))}"]
    if part.at and now - part.at > STALE_SECONDS:
        lines.append(f"_As of {blocks.date(part.at, 'minute')}: cmbot has not looked since._")
    growth = [_growth(part.growth)] if part.growth else []
    told = [*(blocks.escape(change) for change in part.changes), *growth] or ["nothing changed"]
    lines.append(bullets(told, MOST_CHANGES))
    if part.alerts:
        lines.append(bullets([_alert(alert, now) for alert in part.alerts], MOST_ALERTS))
    if part.deeds:
        deeds = [
            f"{blocks.escape(deed.words)}{f' (<@{blocks.escape(deed.by)}>)' if deed.by else ''}" for deed in part.deeds
        ]
        lines.append(bullets(deeds, MOST_DEEDS))
    return "\n".join(lines)


def _named(name: str, verdict: str) -> str:
    """The verdict with the cluster's name in bold, which it nearly always begins with."""
    rest = verdict.removeprefix(f"{name} ")
    return f"*{name}* {rest}" if rest != verdict else f"*{name}*: {verdict}"


def _growth(growth: Growth) -> str:
    moved = growth.after - growth.before
    share = blocks.percent(growth.after, growth.total)
    used = f"{blocks.size(growth.after)} of {blocks.size(growth.total)} used ({share})"
    if not moved:
        return f"{used}, as before"
    return f"{used}, {blocks.size(abs(moved))} {'more' if moved > 0 else 'less'} than before"


def _alert(alert: Alert, now: float) -> str:
    acked = f", acknowledged by <@{blocks.escape(alert.acked_by)}>" if alert.acked_by else ""
    lasts = blocks.duration(now - alert.since)
    word = severity_word(alert.severity)
    return f"{severity_mark(alert.severity)} {word} for {lasts}{acked}: {blocks.escape(alert.sentence)}"
