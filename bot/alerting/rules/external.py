"""The rule about alerts that an Alertmanager reports: they join the channel of their cluster."""

from bot.alerting.details import ExternalReport
from bot.alerting.external import ExternalAlert, severity_of
from bot.alerting.model import Alert, Finding, Outcome, Severity
from bot.alerting.outcomes import ExternalOver
from bot.alerting.receivers import EXTERNAL_RULE
from bot.alerting.rules.base import Answer, Rule, RuleConfig, RuleContext


def _reported(context: RuleContext, limits: RuleConfig) -> Answer:
    return tuple(_finding(each, limits) for each in context.external if each.fires(context.now))


def _finding(alert: ExternalAlert, limits: RuleConfig) -> Finding:
    detail = ExternalReport(alert.name, alert.severity, alert.summary, alert.labels, alert.source, alert.started_at)
    return Finding(EXTERNAL_RULE, alert.fingerprint, limits.at_most(severity_of(alert.severity)), detail)


def _over(context: RuleContext, alert: Alert) -> Outcome:
    reported = any(each.fingerprint == alert.subject and not each.firing for each in context.external)
    return ExternalOver(reported=reported)


EXTERNAL = Rule(
    key=EXTERNAL_RULE,
    about="An Alertmanager reports an alert of the cluster (`inputs` in the settings); one alert for each of its "
    "fingerprints, at most as severe as its label says.",
    severity=Severity.CRITICAL,
    for_seconds=0,
    clear=0,
    remind=14400,
    finds=_reported,
    resolved=_over,
)
