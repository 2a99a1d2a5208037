"""The alerts of one cluster under a few rules, stepped by hand; shared by the tests of the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.alerting.engine import Transition, TransitionReason, Visibility, step
from bot.alerting.escalation import Escalation
from bot.alerting.holding import hold
from bot.alerting.model import Alert, Finding, LegacyDetail, LegacyOutcome, Severity, Silence
from bot.alerting.rules.base import Answer, Rule
from bot.alerting.rules.table import rule_named

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def rule(key: str = "disk_broken", for_seconds: float = 0, clear: float = 0, remind: float = 0) -> Rule:
    found = rule_named(key)
    assert found is not None
    return replace(found, for_seconds=for_seconds, clear=clear, remind=remind)


def found(key: str = "disk_broken", weight: int = 1, severity: Severity = WARNING, **extra: Any) -> Finding:
    return Finding(
        key,
        extra.pop("subject", ""),
        severity,
        LegacyDetail(f"{weight} of it.", extra.pop("lines", ())),
        weight=weight,
        **extra,
    )


@dataclass
class Life:
    """The alerts of one cluster under a few rules, stepped by hand."""

    rules: Sequence[Rule] = field(default_factory=lambda: (rule(),))
    silences: list[Silence] = field(default_factory=list)
    alerts: dict[int, Alert] = field(default_factory=dict)
    escalation: Escalation = field(default_factory=Escalation)
    remembered: bool = False
    remind_holder: float = 0.0

    def step(self, now: float, *findings: Finding, settling: bool = False, **answers: Answer) -> list[Transition]:
        seen: dict[str, Answer] = {r.key: tuple(f for f in findings if f.rule == r.key) for r in self.rules}
        moves = step(
            {**seen, **answers},
            [alert for alert in self.alerts.values() if alert.open],
            self.silences,
            self.rules,
            now,
            cluster="prod",
            settling=settling,
            remembered=self.remembered,
            escalation=self.escalation,
            remind_holder=self.remind_holder,
            outcome=lambda _: LegacyOutcome("It is over."),
        )
        return [self._keep(move) for move in moves]

    def _keep(self, move: Transition) -> Transition:
        new = replace(move.new, id=move.new.id or len(self.alerts) + 1)
        self.alerts[new.id] = new
        return replace(move, new=new)

    def ack(self, now: float) -> None:
        [alert] = [alert for alert in self.alerts.values() if alert.open]
        move = hold(alert, "U1", now)
        assert isinstance(move, Transition)
        self._keep(move)


def seen(moves: list[Transition]) -> list[tuple[TransitionReason, Visibility]]:
    return [(move.reason, move.visibility) for move in moves]


def silence(name: str = "disk_broken", until: float = 1000, **extra: Any) -> Silence:
    return Silence("prod", name, extra.pop("subject", ""), until, "U1", id=extra.pop("id", 1), **extra)
