"""Folding of single alerts: who carries whom, and what happens when the first one is over."""

from dataclasses import replace

from bot.alerting.folding import carried, fold_alerts, grouped_with_first, severity_of
from bot.alerting.model import Alert, AlertState, LegacyDetail, LegacyOutcome, Muted, Severity
from bot.alerting.transition import Transition, TransitionReason, Visibility, ended, fired, noted

NOW = 200.0


def alert(rule: str, subject: str = "", number: int = 0, state: AlertState = AlertState.FIRING) -> Alert:
    detail = LegacyDetail(f"{rule}.")
    return Alert("prod", rule, subject, state, Severity.WARNING, detail, 90.0, fired_at=100.0, id=number, version=1)


DISK = alert("disk_broken", number=1)
WAITS = noted(alert("task_off_with_work", "disk_repair", 2), folded=DISK.pair)
WRONG = noted(alert("switch_meaningless", "disk_repair", 3), folded=DISK.pair)


def fires(which: Alert) -> Transition:
    pending = replace(which, state=AlertState.PENDING, fired_at=0.0)
    return Transition(pending, fired(pending, NOW), TransitionReason.FIRED, Visibility.POST)


def ends(which: Alert) -> Transition:
    over = ended(which, NOW, LegacyOutcome("It is over."))
    return Transition(which, over, TransitionReason.RESOLVED, Visibility.REPLY)


def placed(*transitions: Transition) -> dict[str, tuple[TransitionReason, tuple[str, str] | None]]:
    return {each.new.rule: (each.reason, each.new.notes.folded) for each in transitions}


def test_alert_folds_into_the_one_announced_first() -> None:
    found = fold_alerts([fires(alert("switch_meaningless", "disk_repair", 3))], [DISK], NOW)
    assert placed(*found) == {"switch_meaningless": (TransitionReason.FIRED, DISK.pair)}


def test_of_several_at_once_one_carries_the_others() -> None:
    both = [fires(alert("switch_meaningless", "disk_repair", 3)), fires(alert("disk_broken", number=1))]
    assert placed(*fold_alerts(both, [], NOW)) == {
        "switch_meaningless": (TransitionReason.FIRED, DISK.pair),
        "disk_broken": (TransitionReason.FIRED, None),
    }


def test_silenced_or_ending_or_grouped_alert_carries_no_new_one() -> None:
    new = fires(alert("switch_meaningless", "disk_repair", 3))
    for first in (
        noted(DISK, muted=Muted(1, "U1")),
        replace(DISK, clear_since=150.0),
        noted(DISK, group="digest:C1:1"),
    ):
        assert placed(*fold_alerts([new], [first], NOW))["switch_meaningless"] == (TransitionReason.FIRED, None)


def test_cause_of_a_folded_alert_is_that_of_its_message() -> None:
    first, stuck = alert("switch_meaningless", "disk_repair", 3), replace(alert("repair_stuck", number=4), parts=("7",))
    broken = noted(replace(DISK, parts=("7",)), folded=first.pair)
    assert placed(*fold_alerts([fires(stuck)], [first, broken], NOW)) == {
        "repair_stuck": (TransitionReason.FIRED, first.pair)
    }
    left = noted(stuck, folded=first.pair)
    assert placed(*fold_alerts([ends(first)], [first, broken, left], NOW)) == {
        "switch_meaningless": (TransitionReason.RESOLVED, None),
        "disk_broken": (TransitionReason.UNFOLDED, None),
        "repair_stuck": (TransitionReason.UNFOLDED, broken.pair),
    }


def test_what_remains_gets_one_message_of_its_own() -> None:
    found = fold_alerts([ends(DISK)], [DISK, WAITS, WRONG], NOW)
    assert placed(*found) == {
        "disk_broken": (TransitionReason.RESOLVED, None),
        "task_off_with_work": (TransitionReason.UNFOLDED, None),
        "switch_meaningless": (TransitionReason.UNFOLDED, WAITS.pair),
    }
    assert {each.visibility for each in found[1:]} == {Visibility.POST}
    assert [each.new.fired_at for each in found[1:]] == [100.0, 100.0]


def test_alert_that_replies_now_moves_at_the_next_step() -> None:
    call = Transition(WAITS, replace(WAITS, version=2), TransitionReason.REMINDED, Visibility.REPLY)
    assert placed(*fold_alerts([ends(DISK), call], [DISK, WAITS], NOW))["task_off_with_work"] == (
        TransitionReason.REMINDED,
        DISK.pair,
    )
    assert placed(*fold_alerts([], [call.new], NOW + 15)) == {"task_off_with_work": (TransitionReason.UNFOLDED, None)}


def test_silence_of_the_first_leaves_only_silenced_ones_folded() -> None:
    quiet = noted(WRONG, muted=Muted(1, "U1"))
    found = fold_alerts([], [noted(DISK, muted=Muted(1, "U1")), WAITS, quiet], NOW)
    assert placed(*found) == {"task_off_with_work": (TransitionReason.UNFOLDED, None)}


def test_alert_about_a_change_lasts_while_its_effects_do() -> None:
    change = alert("switch_changed", number=1)
    effect = noted(alert("task_off_with_work", "disk_repair", 2), folded=change.pair)
    assert fold_alerts([ends(change)], [change, effect], NOW) == ()
    both = fold_alerts([ends(change), ends(effect)], [change, effect], NOW)
    assert {each.reason for each in both} == {TransitionReason.RESOLVED}


def test_storm_lists_what_would_be_folded_into_a_listed_alert() -> None:
    first = fires(alert("disk_broken", number=1))
    first = replace(first, new=noted(first.new, group="digest:C1:1"))
    other = fires(alert("switch_meaningless", "disk_repair", 3))
    other = replace(other, new=noted(other.new, folded=DISK.pair))
    _, found = grouped_with_first([first, other])
    assert (found.new.notes.folded, found.new.notes.group) == (None, "digest:C1:1")


def test_message_is_as_severe_as_its_open_alerts() -> None:
    severe = replace(WAITS, severity=Severity.CRITICAL)
    assert severity_of(DISK, [severe]) is Severity.CRITICAL
    assert severity_of(DISK, [replace(severe, state=AlertState.RESOLVED)]) is Severity.WARNING


def test_message_lists_open_ones_first_and_none_of_an_earlier_alert() -> None:
    over = replace(WAITS, state=AlertState.RESOLVED)
    old = replace(over, id=9, fired_at=50.0)
    assert [each.id for each in carried(DISK, [over, old, WRONG])] == [3, 2]


def test_alert_left_from_an_earlier_one_follows_the_new_one_into_its_message() -> None:
    """Its finding is gone for now, so it was not moved when the earlier disk alert was resolved."""
    first, left = alert("switch_meaningless", "disk_repair", 3), replace(alert("repair_stuck", number=4), parts=("7",))
    left = noted(replace(left, clear_since=150.0), folded=DISK.pair)
    broken = replace(alert("disk_broken", number=5), parts=("7",))
    found = fold_alerts([fires(broken)], [first, left], NOW)
    assert placed(*found) == {
        "disk_broken": (TransitionReason.FIRED, first.pair),
        "repair_stuck": (TransitionReason.NOTED, first.pair),
    }
    [stays] = [each for each in found if each.reason is TransitionReason.NOTED]
    assert stays.visibility is Visibility.QUIET
