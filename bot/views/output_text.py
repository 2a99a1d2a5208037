"""Alerts for receivers outside Slack: plain text without markup. No I/O."""

import re
from collections.abc import Sequence

from bot.alerting.model import Alert, Severity
from bot.alerting.receivers import OutputAlert
from bot.common.text import duration
from bot.views.alert_text.table import alert_text
from bot.views.text import Date, dated, plain

MAX_DETAILS = 20
"""Details of one alert that receivers get."""
_MAX_LINE = 500
_MAX_MESSAGE = 1800
"""Bytes of one message of a robot: WeCom takes 2,048, the others more."""
_MARKUP = re.compile(r"`([^`]*)`")
_WORDS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}


def severity_word(severity: Severity) -> str:
    """The severity as a word."""
    return _WORDS[severity]


def output_alert(alert: Alert) -> OutputAlert:
    """A stored alert as receivers get it."""
    text = alert_text(alert)
    lines = [_words(line) for line in text.lines[:MAX_DETAILS]]
    more = text.more + len(text.lines[MAX_DETAILS:])
    return OutputAlert(
        id=alert.id,
        key=f"cmbot/{alert.cluster}/{alert.rule}/{alert.id}/{alert.since:.0f}",
        cluster=alert.cluster,
        rule=alert.rule,
        subject=alert.subject,
        severity=alert.severity,
        state=alert.state,
        summary=_words(text.sentence),
        details=(*lines, f"and {more} more") if more else tuple(lines),
        outcome=_words(text.outcome),
        since=alert.since,
        fired_at=alert.fired_at,
        resolved_at=alert.resolved_at if not alert.open else 0.0,
        acked_by=alert.acked_by,
        silenced=alert.notes.muted is not None,
    )


def robot_text(alerts: Sequence[OutputAlert]) -> str:
    """The message of a robot about these alerts, the most severe first; the text can mention no one."""
    ordered = sorted(alerts, key=lambda each: (not each.open, -each.severity, each.since))
    text = ""
    for place, alert in enumerate(ordered):
        added = "\n".join(_lines(alert))
        if text and len(f"{text}\n{added}".encode()) > _MAX_MESSAGE:
            left = len(ordered) - place
            return f"{text}\nand {left} more: see Slack."
        text = f"{text}\n{added}".strip()
    return _cut(text, _MAX_MESSAGE)


def _lines(alert: OutputAlert) -> list[str]:
    where = f"{alert.cluster} {alert.rule}" + (f" {plain(alert.subject)}" if alert.subject else "")
    if alert.open:
        first = f"[cmbot] {severity_word(alert.severity).upper()} {where}: {plain(alert.summary)}"
        return [first, *(f"- {plain(line)}" for line in alert.details[:5])]
    lasted = duration(max(0.0, alert.resolved_at - alert.since))
    return [f"[cmbot] RESOLVED {where}: {plain(alert.outcome or alert.summary)} (after {lasted})"]


def _words(text: str) -> str:
    """A text without what only Slack understands: dates become UTC, code marks go."""
    parts = "".join(part.utc if isinstance(part, Date) else part for part in dated(text))
    return _cut(_MARKUP.sub(r"\1", parts), _MAX_LINE)


def _cut(text: str, limit: int) -> str:
    """At most so many bytes of a text."""
    held = text.encode()
    return text if len(held) <= limit else held[: limit - 3].decode(errors="ignore") + "…"
