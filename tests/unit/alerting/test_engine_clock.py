"""A clock that is set back, as when a machine's wrong time is corrected, puts nothing off for as long."""

from bot.alerting.engine import TransitionReason, Visibility
from tests.support.engine_builders import CRITICAL, Life, found, rule, seen

HOUR = 3600.0


def test_pending_alert_restarts_its_hold_time() -> None:
    life = Life([rule("no_leader", for_seconds=30)])
    life.step(2 * HOUR, found("no_leader", severity=CRITICAL))
    life.step(HOUR, found("no_leader", severity=CRITICAL))
    assert life.alerts[1].fired_at == 0
    assert seen(life.step(HOUR + 30, found("no_leader", severity=CRITICAL))) == [
        (TransitionReason.FIRED, Visibility.POST)
    ]


def test_cleared_alert_restarts_its_clear_time() -> None:
    life = Life([rule(clear=30)])
    life.step(2 * HOUR - 15, found())
    life.step(2 * HOUR)
    life.step(HOUR)
    assert seen(life.step(HOUR + 30)) == [(TransitionReason.RESOLVED, Visibility.REPLY)]


def test_recent_peak_is_not_extended() -> None:
    life = Life()
    life.step(2 * HOUR, found(weight=2, severity=CRITICAL))
    life.step(2 * HOUR + 15, found(weight=1, severity=CRITICAL))
    life.step(HOUR, found(weight=1, severity=CRITICAL))
    assert seen(life.step(HOUR + 900, found(weight=2, severity=CRITICAL))) == [
        (TransitionReason.WORSE, Visibility.REPLY_BROADCAST)
    ]
