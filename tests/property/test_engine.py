"""The engine under any order of findings, silences, acknowledgements, restarts and blindness."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.monitor.alert import Alert, AlertState, Finding, Severity, Silence
from bot.monitor.engine import REPLY_EVERY, Reason, Tell, Transition, acknowledge, step
from bot.monitor.rule import CANNOT_TELL, Answer, Rule
from bot.monitor.rules import INHIBITS, rule_named
from bot.monitor.silences import covers


def watched(key: str, hold: float, clear: float, remind: float) -> Rule:
    found = rule_named(key)
    assert found is not None
    return replace(found, hold=hold, clear=clear, remind=remind)


RULES = (
    watched("no_leader", 10, 20, 60),
    watched("disk_broken", 0, 0, 0),
    watched("quorum_at_risk", 20, 15, 50),
    watched("peer_down", 15, 30, 40),
)
KEYS = [rule.key for rule in RULES]
LOUD = {Tell.POST, Tell.REPLY, Tell.REPLY_BROADCAST}


def finding(key: str, subject: str, weight: int, severity: Severity, parts: frozenset[str]) -> Finding:
    words = f"{key} {subject} {weight} {severity} {sorted(parts)}"
    return Finding(key, subject, severity, words, weight=weight, data={"parts": sorted(parts)})


ANSWERS = {
    key: st.one_of(
        st.just(CANNOT_TELL),
        st.just(()),
        st.lists(
            st.builds(
                finding,
                st.just(key),
                st.sampled_from(["2", "3"] if key == "peer_down" else [""]),
                st.integers(1, 3),
                st.sampled_from(Severity),
                st.frozensets(st.sampled_from("ab")),
            ),
            max_size=2,
            unique_by=lambda found: found.subject,
        ).map(tuple),
    )
    for key in KEYS
}
ALL_ANSWERS: st.SearchStrategy[dict[str, Answer]] = st.fixed_dictionaries(ANSWERS)


class Engine(RuleBasedStateMachine):
    """A world that changes at random, the engine's alerts in it, and what a channel was told of them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.world: Mapping[str, Answer] = dict.fromkeys(KEYS, ())
        self.alerts: dict[int, Alert] = {}
        self.silences: list[Silence] = []
        self.told: dict[int, list[Transition]] = {}

    @rule(world=ALL_ANSWERS)
    def the_world_changes(self, world: dict[str, Answer]) -> None:
        self.world = world

    @rule(seconds=st.sampled_from([1, 5, 15, 15, 60]))
    def a_tick(self, seconds: float) -> None:
        self._tick(seconds, settling=False)

    @rule(seconds=st.sampled_from([15, 600]))
    def a_restart(self, seconds: float) -> None:
        self._tick(seconds, settling=True)

    @rule(
        name=st.sampled_from([*KEYS, "*"]),
        subject=st.sampled_from(["", "2"]),
        lasts=st.sampled_from([10, 100]),
        weight=st.integers(0, 3),
    )
    def somebody_silences(self, name: str, subject: str, lasts: float, weight: int) -> None:
        number = len(self.silences) + 1
        self.silences.append(Silence("prod", name, subject, self.now + lasts, "U1", weight=weight, id=number))

    @precondition(lambda self: any(alert.state is AlertState.FIRING for alert in self.alerts.values()))
    @rule(data=st.data())
    def somebody_acknowledges(self, data: st.DataObject) -> None:
        firing = [number for number, alert in self.alerts.items() if alert.state is AlertState.FIRING]
        move = acknowledge(self.alerts[data.draw(st.sampled_from(firing))], "U1", self.now)
        assert move is not None
        assert move.tell is Tell.EDIT
        self.alerts[move.new.id] = move.new

    @invariant()
    def one_open_alert_at_most_per_key(self) -> None:
        held = [alert.key for alert in self.alerts.values() if alert.open]
        assert len(set(held)) == len(held)

    @invariant()
    def every_firing_alert_was_told_exactly_once_first(self) -> None:
        for number, alert in self.alerts.items():
            posts = [move for move in self.told.get(number, ()) if move.tell is Tell.POST]
            assert len(posts) == (1 if alert.fired_at else 0)
            assert alert.fired_at or alert.state in {AlertState.PENDING, AlertState.RESOLVED}

    def _tick(self, seconds: float, *, settling: bool) -> None:
        self.now += seconds
        held = [alert for alert in self.alerts.values() if alert.open]
        moves = step(self.world, held, self.silences, RULES, self.now, cluster="prod", settling=settling)
        assert len({move.new.key for move in moves}) == len(moves), "two steps for one alert"
        blocked = self._blocked(held, settling=settling)
        for move in moves:
            self._check(move, blocked)
            new = replace(move.new, id=move.new.id or len(self.alerts) + 1)
            self.alerts[new.id] = new
            if move.tell is not Tell.QUIET:
                self.told.setdefault(new.id, []).append(move)
        self._nothing_is_lost(blocked)

    def _blocked(self, held: list[Alert], *, settling: bool) -> frozenset[str]:
        """The rules of which nothing may be told at this tick."""
        if settling:
            return frozenset(KEYS)
        open_rules = {alert.rule for alert in held if alert.state is not AlertState.PENDING}
        active = {key for key, answer in self.world.items() if (answer is not CANNOT_TELL and answer)} | open_rules
        return frozenset().union(*(INHIBITS.get(key, frozenset()) for key in active))

    def _muted(self, alert: Alert) -> bool:
        lifted = alert.data.get("lifted", ())
        return any(covers(silence, alert, self.now) and silence.id not in lifted for silence in self.silences)

    def _check(self, move: Transition, blocked: frozenset[str]) -> None:
        old, new = move.old, move.new
        assert self.world[new.rule] is not CANNOT_TELL, "moved though nobody could tell"
        assert new.version == (old.version if old else 0) + (move.tell is not Tell.QUIET or not new.open)
        if move.tell is not Tell.QUIET:
            assert new.rule not in blocked
        if move.reason is Reason.FIRED:
            assert old is None or old.state is AlertState.PENDING
            assert move.tell is Tell.POST
            assert not self._muted(new)
            assert self.now - new.since >= next(each.hold for each in RULES if each.key == new.rule)
        elif move.tell is not Tell.QUIET:
            assert old is not None
            assert old.fired_at > 0, "told of what was never told before"
        if move.reason is Reason.REMINDED:
            rule_ = next(each for each in RULES if each.key == new.rule)
            assert old is not None
            assert old.state is AlertState.FIRING
            assert self.now - old.reminded_at >= rule_.remind > 0
        if move.reason is Reason.WORSE:
            assert old is not None
            parts = set(new.data["parts"]) - set(old.data["parts"])
            grown = new.severity > old.severity or new.weight > old.weight or parts
            assert grown or "unsaid" in old.data
            assert not self._muted(new)
            lately = self.now - old.data.get("said_at", -REPLY_EVERY) < REPLY_EVERY
            if move.tell is Tell.EDIT:
                assert lately, "a first reply was put off"
                assert new.severity <= min(old.severity, Severity.WARNING)
                assert old.state is AlertState.FIRING
            else:
                assert "unsaid" not in new.data
        if old is not None and move.tell in LOUD and move.reason not in {Reason.FIRED, Reason.WORSE}:
            assert not self._muted(old)
            assert old.state is not AlertState.ACKNOWLEDGED or move.reason is Reason.RESOLVED

    def _nothing_is_lost(self, blocked: frozenset[str]) -> None:
        """What is found is told with its newest words, unless something named keeps it back; what is gone, ends."""
        open_now = {(alert.rule, alert.subject): alert for alert in self.alerts.values() if alert.open}
        for rule_ in RULES:
            answer = self.world[rule_.key]
            if answer is CANNOT_TELL:
                continue
            found = {each.subject: each for each in answer}
            assert all((rule_.key, subject) in open_now for subject in found)
            for (key, subject), alert in open_now.items():
                if key == rule_.key and key not in blocked:
                    self._is_kept_well(rule_, alert, found.get(subject))

    def _is_kept_well(self, rule_: Rule, alert: Alert, found: Finding | None) -> None:
        if found is None:
            assert alert.state is not AlertState.PENDING
            assert alert.clear_since
            assert self.now - alert.clear_since < rule_.clear
            return
        assert alert.sentence == found.sentence
        assert alert.clear_since == 0
        if alert.state is AlertState.PENDING:
            assert self._muted(alert) or self.now - alert.since < rule_.hold


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
