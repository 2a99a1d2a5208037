"""Rules about hosts that do answer, but not as they should: errors and garbage, refused tokens, slowness."""

from types import MappingProxyType

from bot.alerting.inhibition import covers
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.rules.peers import unproven_only
from bot.alerting.rules.reachability import became_of, is_silent, why
from bot.alerting.text import count
from bot.common.errors import AuthRejected


def _api_error(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    useless = [
        (
            look.host,
            f"Host {look.host} of {context.cluster} answers, but not as a Clustermgr should: {why(look.error)}.",
        )
        for look in snapshot.silent
        if not is_silent(look) and not isinstance(look.error, AuthRejected)
    ]
    error = snapshot.disks_error
    if snapshot.leader is not None and error is not None and not isinstance(error, AuthRejected):
        # Asked of the leader; without one this is no news, as the disks are read through the quorum.
        host = snapshot.leader[0]
        useless.append(
            (host, f"{host}, which leads {context.cluster}, answers /stat but not /disk/list: {why(error)}.")
        )
    said = covers(*unproven_only(context))
    return tuple(Finding("api_error", host, limits.severity, sentence, data=said) for host, sentence in useless)


def _as_it_should(context: RuleContext, alert: Alert) -> str:
    return became_of(context, alert.subject, "answers as it should again")


def _auth_rejected(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    refused = [look.host for look in snapshot.looks if isinstance(look.error, AuthRejected)]
    if not refused and isinstance(snapshot.disks_error, AuthRejected):
        refused = [snapshot.disks_error.host or context.cluster]
    if not refused:
        # A host that is silent may refuse the token all the same: only one that took it shows that it is right.
        return () if snapshot.answered and not context.memory.refusing else CANNOT_TELL
    everybody = len(refused) == len(snapshot.looks)
    blind = ", so nothing is known of the cluster" if everybody else ""
    whom = "every host" if everybody else f"{len(refused)} of {count(len(snapshot.looks), 'host')}"
    return (
        Finding(
            rule="auth_rejected",
            subject="",
            severity=limits.severity if everybody else limits.at_most(Severity.WARNING),
            sentence=f"{context.cluster} rejects the request token: {whom} answered 403{blind}.",
            lines=tuple(f"{host} rejects it" for host in refused),
            weight=len(refused),
            data={
                "parts": refused,
                **covers(*([("cluster_unreachable", "")] if everybody else unproven_only(context))),
            },
        ),
    )


def _taken(context: RuleContext, _: Alert) -> str:
    return f"{context.cluster} takes the request token again."


def _slow_answers(context: RuleContext, limits: RuleConfig) -> Answer:
    limit = limits["limit"]
    return tuple(
        Finding(
            "slow_answers",
            look.host,
            limits.severity,
            f"Host {look.host} of {context.cluster} answers slowly: /stat takes it more than {limit:g} s at each look.",
        )
        for look in context.snapshot.looks
        if look.stat is not None and look.took > limit
    )


def _quick(context: RuleContext, alert: Alert) -> str:
    return became_of(context, alert.subject, "answers quickly again")


API_ERROR = Rule(
    key="api_error",
    about="A host answers with errors or what cannot be understood, or to /stat alone; one alert for each host.",
    severity=Severity.WARNING,
    hold=60,
    clear=60,
    remind=14400,
    looks=_api_error,
    resolved=_as_it_should,
)

AUTH_REJECTED = Rule(
    key="auth_rejected",
    about="Hosts reject the request token: critical when all do, a warning while others take it.",
    severity=Severity.CRITICAL,
    hold=15,
    clear=30,
    remind=3600,
    looks=_auth_rejected,
    resolved=_taken,
)

SLOW_ANSWERS = Rule(
    key="slow_answers",
    about="A host answers, but slowly, at every look for a while; one alert for each host.",
    severity=Severity.WARNING,
    hold=120,
    clear=120,
    remind=86400,
    looks=_slow_answers,
    resolved=_quick,
    thresholds=MappingProxyType({"limit": Threshold(2, Unit.SECONDS, "an answer that takes longer is slow")}),
)
