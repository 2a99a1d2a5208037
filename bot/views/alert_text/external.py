"""Words for alerts that an Alertmanager reports: all that comes from there stands in code marks. No I/O."""

from bot.alerting.details import ExternalReport
from bot.alerting.model import Alert, AlertText
from bot.alerting.outcomes import ExternalOver
from bot.views.text import date, in_ticks


def external_report(detail: ExternalReport, cluster: str) -> AlertText:
    """`external`."""
    said = f": {in_ticks(detail.summary)}" if detail.summary else ""
    lines = [f"since {date(detail.started_at)}"] if detail.started_at else []
    if detail.labels:
        lines.append("labels: " + in_ticks(", ".join(f"{name}={value}" for name, value in detail.labels)))
    if detail.source:
        lines.append(f"from {in_ticks(detail.source)}")
    return AlertText(f"Alertmanager reports {in_ticks(detail.name)} for {cluster}{said}.", tuple(lines))


def external_over(outcome: ExternalOver, alert: Alert) -> str:
    """The end of `external`."""
    name = in_ticks(alert.detail.name) if isinstance(alert.detail, ExternalReport) else "it"
    if outcome.reported:
        return f"Alertmanager reports {name} as resolved."
    return f"Alertmanager has not reported {name} again in time, so it counts as over."
