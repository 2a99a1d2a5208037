"""A problem that eases and returns soon is the same one: a flapping node wakes no one twice."""

from bot.alerting.engine import TransitionReason, Visibility
from bot.alerting.hysteresis import LASTS
from bot.alerting.model import AlertState, Finding
from bot.alerting.rules.base import MAX_PARTS
from bot.alerting.transition import NOTIFYING
from tests.support.engine_builders import CRITICAL, WARNING, Life, found, rule, seen, silence

CHANGED = [(TransitionReason.CHANGED, Visibility.EDIT)]
ALOUD = [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]


def grave(weight: int = 1, *parts: str) -> Finding:
    """A critical finding; of these parts, if any."""
    return found(weight=weight, severity=CRITICAL, parts=tuple(parts) if parts else None)


def test_second_flapping_node_is_announced_once() -> None:
    life = Life()
    life.step(0, grave(1))
    assert seen(life.step(15, grave(2))) == ALOUD
    for now in range(30, 600, 30):
        assert seen(life.step(now, grave(1))) == CHANGED
        assert seen(life.step(now + 15, grave(2))) == CHANGED


def test_acknowledgement_survives_until_a_new_peak() -> None:
    life = Life()
    life.step(0, found(weight=60))
    life.ack(5)
    life.step(15, found(weight=59))
    life.step(30, found(weight=60))
    life.step(45, found(weight=59))
    assert life.alerts[1].acked_by == "U1"
    life.step(60, found(weight=61))
    assert life.alerts[1].acked_by == ""


def test_space_around_its_threshold_is_critical_once() -> None:
    life = Life()
    life.step(0, grave())
    assert seen(life.step(15, found(severity=WARNING))) == CHANGED
    assert seen(life.step(30, grave())) == CHANGED


def test_alert_milder_for_long_is_announced_again() -> None:
    life = Life()
    life.step(0, grave(2))
    life.step(15, grave(1))
    assert life.step(15 + LASTS - 1, grave(1)) == []
    assert seen(life.step(15 + LASTS, grave(2))) == ALOUD


def test_partial_rise_is_compared_with_the_peak() -> None:
    life = Life()
    life.step(0, grave(9))
    life.step(15, grave(1))
    assert seen(life.step(30, grave(5))) == CHANGED
    assert seen(life.step(45, grave(10))) == ALOUD


def test_new_part_is_worse_and_returning_part_is_not() -> None:
    life = Life()
    life.step(0, grave(2, "z0", "z1"))
    life.step(15, grave(1, "z0"))
    assert seen(life.step(30, grave(2, "z0", "z1"))) == CHANGED
    life.step(45, grave(1, "z0"))
    assert seen(life.step(60, grave(2, "z0", "z2"))) == ALOUD


def test_silence_holds_while_the_weight_varies() -> None:
    life = Life()
    life.step(0, found(weight=5))
    life.silences = [silence(weight=0)]
    for now in range(15, 120, 30):
        life.step(now, found(weight=4))
        life.step(now + 15, found(weight=5))
    assert life.alerts[1].notes.lifted == ()
    life.step(120, found(weight=6))
    assert life.alerts[1].notes.lifted


def test_peak_before_the_announcement_does_not_count() -> None:
    life = Life([rule(for_seconds=30)])
    life.step(0, grave(3))
    life.step(15, grave(1))
    life.step(30, grave(1))
    assert seen(life.step(45, grave(3))) == ALOUD


def test_more_parts_than_can_be_named_shrink_quietly() -> None:
    """When the first one ends, one more is named; it was there before, so it wakes no one."""
    names = [str(number) for number in range(MAX_PARTS + 5)]
    life = Life()
    life.step(0, found(weight=len(names), parts=tuple(names[:MAX_PARTS])))
    life.ack(5)
    assert seen(life.step(15, found(weight=len(names) - 1, parts=tuple(names[1 : MAX_PARTS + 1])))) == CHANGED
    assert life.alerts[1].state is AlertState.ACKNOWLEDGED


def test_unannounced_part_is_announced_when_it_returns() -> None:
    life = Life()
    posted = [
        transition.visibility
        for now, parts in ((0, "a"), (5, "ab"), (10, "abc"), (15, "a"), (310, "a"), (315, "ac"), (620, "ac"))
        for transition in life.step(now, found(weight=len(parts), parts=tuple(parts)))
        if transition.visibility in NOTIFYING
    ]
    assert posted == [Visibility.POST, *[Visibility.REPLY_BROADCAST] * 3]
