"""What is told by another alert already is not told beside it, and is told as soon as nothing else says it."""

from dataclasses import replace

from bot.alerting.engine import Tell, Transition, TransitionReason, step
from bot.alerting.inhibition import covered
from bot.alerting.model import Alert, AlertState, Finding, LegacyDetail, Pair, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule
from bot.alerting.rules.table import rule_named
from tests.support.alert_words import sentence

DEAD = (("host_unreachable", "h3:1"),)


def rule(key: str, hold: float = 30, clear: float = 30) -> Rule:
    found = rule_named(key)
    assert found is not None
    return replace(found, hold=hold, clear=clear)


def peer(covers: tuple[Pair, ...] = ()) -> Finding:
    return Finding("peer_down", "3", Severity.WARNING, LegacyDetail("Voter 3 is down."), covers=covers)


def silent(name: str = "h3:1") -> Finding:
    return Finding("host_unreachable", name, Severity.WARNING, LegacyDetail(f"Host {name} is silent."))


class Life:
    """The alerts of one cluster under two rules, stepped by hand."""

    def __init__(self, *, hold: float = 30) -> None:
        self.rules = (rule("peer_down", hold), rule("host_unreachable", hold))
        self.alerts: dict[int, Alert] = {}

    def step(self, now: float, *findings: Finding, **answers: Answer) -> list[tuple[str, TransitionReason]]:
        """What a reader notices of it."""
        seen: dict[str, Answer] = {r.key: tuple(f for f in findings if f.rule == r.key) for r in self.rules}
        held = [alert for alert in self.alerts.values() if alert.open]
        moves = step({**seen, **answers}, held, [], self.rules, now, cluster="prod")
        return [(sentence(move.new), move.reason) for move in map(self._keep, moves) if move.tell is not Tell.QUIET]

    def _keep(self, move: Transition) -> Transition:
        new = replace(move.new, id=move.new.id or len(self.alerts) + 1)
        self.alerts[new.id] = new
        return replace(move, new=new)


PEER_TOLD = ("Voter 3 is down.", TransitionReason.FIRED)
HOST_TOLD = ("Host h3:1 is silent.", TransitionReason.FIRED)


def test_a_dead_node_is_one_message() -> None:
    life = Life()
    told = [life.step(15 * n, silent(), *([peer(DEAD)] if n else [])) for n in range(20)]
    assert [each for step_ in told for each in step_] == [PEER_TOLD]


def test_another_host_is_told_all_the_same() -> None:
    life = Life(hold=0)
    assert life.step(0, peer(DEAD), silent("h2:1")) == [PEER_TOLD, ("Host h2:1 is silent.", TransitionReason.FIRED)]


def test_what_stays_when_the_other_is_resolved_is_told_then() -> None:
    life = Life()
    for n in range(5):
        life.step(15 * n, peer(DEAD), silent())
    # Its peer is back but may go again: only once that is resolved does the host's silence stand for itself.
    assert life.step(75, silent()) == []
    assert life.step(105, silent()) == [("Voter 3 is down.", TransitionReason.RESOLVED)]
    assert life.step(120, silent()) == [HOST_TOLD]


def test_while_nobody_can_tell_of_the_other_it_covers_as_before() -> None:
    life = Life(hold=0)
    life.step(0, peer(DEAD), silent())
    assert life.step(15, silent(), peer_down=CANNOT_TELL) == []


def test_what_was_told_first_goes_on_and_ends_as_it_would() -> None:
    life = Life(hold=0)
    assert life.step(0, silent()) == [HOST_TOLD]
    assert life.step(15, silent(), peer(DEAD)) == [PEER_TOLD]
    life.step(30, peer(DEAD))
    assert life.step(60, peer(DEAD)) == [("Host h3:1 is silent.", TransitionReason.RESOLVED)]


def test_what_nobody_was_told_of_covers_nothing_once_it_is_gone() -> None:
    pending = Alert("prod", "peer_down", "3", AlertState.PENDING, Severity.WARNING, LegacyDetail(""), 0, covers=DEAD)
    assert covered({"peer_down": ()}, [pending]) == frozenset()
    assert covered({"peer_down": ()}, [replace(pending, state=AlertState.ACKNOWLEDGED)])
    assert covered({}, [replace(pending, state=AlertState.FIRING)]) == frozenset()
