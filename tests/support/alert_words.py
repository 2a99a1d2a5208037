"""Findings and alerts in words, as a reader sees them."""

from dataclasses import replace

from bot.alerting.model import Alert, AlertText, Finding, Outcome
from bot.views.alert_text.table import detail_text, outcome_sentence


def words(found: Finding | Alert, cluster: str = "prod") -> AlertText:
    return detail_text(found.detail, cluster)


def sentence(found: Finding | Alert, cluster: str = "prod") -> str:
    return words(found, cluster).sentence


def lines(found: Finding | Alert, cluster: str = "prod") -> tuple[str, ...]:
    return words(found, cluster).lines


def outcome(found: Outcome, alert: Alert) -> str:
    return outcome_sentence(replace(alert, outcome=found))
