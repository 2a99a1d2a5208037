"""Inhibition: alerts that hold others back, by rule (INHIBITS) or subject by subject (covered pairs). No I/O.

A finding covers the (rule, subject) pairs that its `covers` lists: a dead node is one failure, although its
host is silent, its leader misses it and the quorum has no spare voter. A covered alert is posted once nothing covers it
any more; an alert that was already posted is not affected.
"""

from collections.abc import Iterable, Iterator, Mapping

from bot.alerting.model import Alert, AlertState, Finding, Pair
from bot.alerting.rules.base import CANNOT_TELL, Answer

Answers = Mapping[str, Answer]
Pairs = frozenset[Pair]


def inhibited(answers: Answers, alerts: Iterable[Alert], inhibits: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The rules of which nothing may be posted or resolved, because a rule that inhibits them is seen or posted."""
    posted = {alert.rule for alert in alerts if alert.state is not AlertState.PENDING}
    seen = {finding.rule for finding in _found(answers)}
    active = [others for key, others in inhibits.items() if key in answers and key in posted | seen]
    return frozenset().union(*active)


def covered(
    answers: Answers,
    alerts: Iterable[Alert],
    *,
    globally_silenced: Pairs = frozenset(),
    spared: frozenset[str] = frozenset(),
) -> Pairs:
    """The pairs covered by a finding of this step, or by an open alert that this step neither renews nor resolves.

    An alert that a silence of all rules mutes does not cover the rules that such a silence spares.
    """
    found = {(finding.rule, finding.subject): finding for finding in _found(answers)}
    kept = [alert for alert in alerts if alert.rule in answers and (alert.rule, alert.subject) not in found]
    said = {key: finding.covers for key, finding in found.items()}
    said |= {(alert.rule, alert.subject): alert.covers for alert in kept if alert.state is not AlertState.PENDING}
    return frozenset(
        pair for key, pairs in said.items() for pair in pairs if key not in globally_silenced or pair[0] not in spared
    )


def _found(answers: Answers) -> Iterator[Finding]:
    for answer in answers.values():
        if answer is not CANNOT_TELL:
            yield from (finding for finding in answer if not finding.doubtful)
