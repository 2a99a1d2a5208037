"""An alert that another one covers is inhibited, and fires as soon as the other ends."""

from dataclasses import replace

from bot.alerting.engine import Transition, TransitionReason, Visibility, step
from bot.alerting.inhibition import covered
from bot.alerting.model import Alert, AlertState, Finding, LegacyDetail, Pair, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule
from bot.alerting.rules.table import rule_named
from tests.support.alert_words import sentence

DEAD = (("host_unreachable", "h3:1"),)


def rule(key: str, for_seconds: float = 30, clear: float = 30) -> Rule:
    found = rule_named(key)
    assert found is not None
    return replace(found, for_seconds=for_seconds, clear=clear)


def peer(covers: tuple[Pair, ...] = ()) -> Finding:
    return Finding("peer_down", "3", Severity.WARNING, LegacyDetail("Voter 3 is down."), covers=covers)


def silent(name: str = "h3:1") -> Finding:
    return Finding("host_unreachable", name, Severity.WARNING, LegacyDetail(f"Host {name} is silent."))


class Life:
    """The alerts of one cluster under two rules, stepped by hand."""

    def __init__(self, *, for_seconds: float = 30) -> None:
        self.rules = (rule("peer_down", for_seconds), rule("host_unreachable", for_seconds))
        self.alerts: dict[int, Alert] = {}

    def step(self, now: float, *findings: Finding, **answers: Answer) -> list[tuple[str, TransitionReason]]:
        """What a reader notices of it."""
        seen: dict[str, Answer] = {r.key: tuple(f for f in findings if f.rule == r.key) for r in self.rules}
        held = [alert for alert in self.alerts.values() if alert.open]
        transitions = step({**seen, **answers}, held, [], self.rules, now, cluster="prod")
        return [
            (sentence(transition.new), transition.reason)
            for transition in map(self._keep, transitions)
            if transition.visibility is not Visibility.QUIET
        ]

    def _keep(self, transition: Transition) -> Transition:
        new = replace(transition.new, id=transition.new.id or len(self.alerts) + 1)
        self.alerts[new.id] = new
        return replace(transition, new=new)


PEER_FIRED = ("Voter 3 is down.", TransitionReason.FIRED)
HOST_FIRED = ("Host h3:1 is silent.", TransitionReason.FIRED)


def test_dead_node_is_one_alert() -> None:
    life = Life()
    posted = [life.step(15 * n, silent(), *([peer(DEAD)] if n else [])) for n in range(20)]
    assert [each for step_ in posted for each in step_] == [PEER_FIRED]


def test_alert_of_another_host_is_not_inhibited() -> None:
    life = Life(for_seconds=0)
    assert life.step(0, peer(DEAD), silent("h2:1")) == [PEER_FIRED, ("Host h2:1 is silent.", TransitionReason.FIRED)]


def test_inhibited_alert_fires_when_the_other_resolves() -> None:
    life = Life()
    for n in range(5):
        life.step(15 * n, peer(DEAD), silent())
    # Its peer is back but may go again: only once that is resolved does the host's silence stand for itself.
    assert life.step(75, silent()) == []
    assert life.step(105, silent()) == [("Voter 3 is down.", TransitionReason.RESOLVED)]
    assert life.step(120, silent()) == [HOST_FIRED]


def test_unknown_alert_still_inhibits() -> None:
    life = Life(for_seconds=0)
    life.step(0, peer(DEAD), silent())
    assert life.step(15, silent(), peer_down=CANNOT_TELL) == []


def test_alert_posted_first_is_not_inhibited() -> None:
    life = Life(for_seconds=0)
    assert life.step(0, silent()) == [HOST_FIRED]
    assert life.step(15, silent(), peer(DEAD)) == [PEER_FIRED]
    life.step(30, peer(DEAD))
    assert life.step(60, peer(DEAD)) == [("Host h3:1 is silent.", TransitionReason.RESOLVED)]


def test_unposted_resolved_alert_inhibits_nothing() -> None:
    pending = Alert("prod", "peer_down", "3", AlertState.PENDING, Severity.WARNING, LegacyDetail(""), 0, covers=DEAD)
    assert covered({"peer_down": ()}, [pending]) == frozenset()
    assert covered({"peer_down": ()}, [replace(pending, state=AlertState.ACKNOWLEDGED)])
    assert covered({}, [replace(pending, state=AlertState.FIRING)]) == frozenset()
