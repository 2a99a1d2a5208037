"""Which alerts say enough to keep others back: by rule (INHIBITS) and, subject by subject, by what a finding covers.

A finding whose `covers` lists (rule, subject) pairs reports these as well: a dead node is one failure,
whether its host is silent, its leader misses it or the quorum has none to spare. What is covered waits and is told
once nothing covers it any more; what was told already goes on as it would.
"""

from collections.abc import Iterable, Iterator, Mapping

from bot.alerting.model import Alert, AlertState, Finding, Pair
from bot.alerting.rules.base import CANNOT_TELL, Answer

Answers = Mapping[str, Answer]
Pairs = frozenset[Pair]


def inhibited(answers: Answers, alerts: Iterable[Alert], inhibits: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The rules of which nothing may be told or taken back, as one that inhibits them is seen or was told."""
    told = {alert.rule for alert in alerts if alert.state is not AlertState.PENDING}
    seen = {finding.rule for finding in _found(answers)}
    active = [others for key, others in inhibits.items() if key in answers and key in told | seen]
    return frozenset().union(*active)


def covered(
    answers: Answers, alerts: Iterable[Alert], *, hushed: Pairs = frozenset(), spared: frozenset[str] = frozenset()
) -> Pairs:
    """What is told by another finding of this step, or by an open alert that this step neither renews nor withdraws.

    What is `hushed`, muted by a silence of all rules, tells nobody: it does not cover those that such a silence spares.
    """
    found = {(finding.rule, finding.subject): finding for finding in _found(answers)}
    kept = [alert for alert in alerts if alert.rule in answers and (alert.rule, alert.subject) not in found]
    said = {key: finding.covers for key, finding in found.items()}
    said |= {(alert.rule, alert.subject): alert.covers for alert in kept if alert.state is not AlertState.PENDING}
    return frozenset(
        pair for key, pairs in said.items() for pair in pairs if key not in hushed or pair[0] not in spared
    )


def _found(answers: Answers) -> Iterator[Finding]:
    for answer in answers.values():
        if answer is not CANNOT_TELL:
            yield from (finding for finding in answer if not finding.doubtful)
