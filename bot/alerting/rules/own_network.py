"""The rule about cmbot's own network: no cluster answers from here, and one alert says so for all of them. Pure."""

from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.text import count, listed

_NAMED = 20


def _isolated(context: RuleContext, limits: RuleConfig) -> Answer:
    lost = context.isolation
    if lost is None:
        return ()
    if lost.carrier != context.cluster or context.now - lost.since < limits["after"]:
        return CANNOT_TELL
    sentence = (
        f"None of {count(len(lost.clusters), 'cluster')} answers from here: "
        "the network of cmbot itself is the likely cause, and nothing is known of any of them."
    )
    asked = f"asked from {lost.place}: " if lost.place else ""
    lines = (
        f"{asked}{listed(lost.clusters, most=_NAMED)}",
        "look at the machine that runs cmbot first: its network, routes, DNS and firewall; then at what all share",
        "what single clusters have to say follows as soon as one of them answers",
    )
    return (Finding(OWN_NETWORK.key, "", limits.severity, sentence, lines),)


def _answers(_: RuleContext, __: Alert) -> str:
    return "A cluster answers from here again; what is wrong with single ones follows."


OWN_NETWORK = Rule(
    key="own_network",
    about="No cluster answers from here: cmbot's own network is the likely cause. One alert for all of them.",
    severity=Severity.CRITICAL,
    hold=0,
    clear=30,
    remind=1800,
    looks=_isolated,
    resolved=_answers,
    thresholds={"after": Threshold(20, Unit.SECONDS, "no cluster answered for so long")},
)
