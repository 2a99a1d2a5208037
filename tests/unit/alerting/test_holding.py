"""Who holds an alert: taken over, given back, expired, and its holder reminded."""

from dataclasses import replace

import pytest

from bot.alerting.engine import Transition, TransitionReason, Visibility
from bot.alerting.escalation import Escalation
from bot.alerting.holding import HoldRefusal, give_back, hold, reminder_due_at
from bot.alerting.model import AlertState
from tests.support.engine_builders import CRITICAL, WARNING, Life, found, rule, seen, silence

HOUR = 3600.0
BAD = found(severity=CRITICAL)


def life() -> Life:
    fresh = Life([rule(remind=0)], escalation=Escalation("S0ONCALL", 900))
    fresh.step(0, BAD)
    return fresh


def done(world: Life, moved: Transition | HoldRefusal) -> Transition:
    assert isinstance(moved, Transition), moved
    return world._keep(moved)


def test_taken_over_alert_names_the_new_holder_and_forgets_the_old_end() -> None:
    world = life()
    done(world, hold(world.alerts[1], "U1", 10, until=HOUR))
    taken = done(world, hold(world.alerts[1], "U2", 20, take=True, seen="U1"))
    assert (taken.reason, taken.visibility) == (TransitionReason.TAKEN_OVER, Visibility.REPLY)
    assert (taken.new.acked_by, taken.new.acked_at, taken.new.notes.acked_until) == ("U2", 20, None)
    assert world.step(HOUR + 10, BAD) == []


def test_alert_of_another_is_neither_acknowledged_nor_given_back() -> None:
    world = life()
    done(world, hold(world.alerts[1], "U1", 10))
    held = world.alerts[1]
    assert hold(held, "U2", 20) is HoldRefusal.HELD_BY_ANOTHER
    assert give_back(held, "U2", 20) is HoldRefusal.HELD_BY_ANOTHER
    assert hold(held, "U1", 20) is HoldRefusal.HELD_BY_CALLER


def test_clicks_on_a_card_of_another_holder_are_refused() -> None:
    world = life()
    assert hold(world.alerts[1], "U2", 5, take=True, seen="U1") is HoldRefusal.CHANGED_HANDS
    done(world, hold(world.alerts[1], "U3", 10))
    assert hold(world.alerts[1], "U2", 20, take=True, seen="U1") is HoldRefusal.CHANGED_HANDS
    assert give_back(world.alerts[1], "U1", 20, seen="U1") is HoldRefusal.CHANGED_HANDS


@pytest.mark.parametrize(
    ("state", "why"),
    [(AlertState.RESOLVED, HoldRefusal.OVER), (AlertState.PENDING, HoldRefusal.NOT_ANNOUNCED)],
)
def test_alert_that_no_one_can_hold(state: AlertState, why: HoldRefusal) -> None:
    alert = replace(life().alerts[1], state=state)
    assert hold(alert, "U1", 5) is why
    assert give_back(alert, "U1", 5) is why


def test_double_click_on_give_back_changes_nothing() -> None:
    world = life()
    done(world, hold(world.alerts[1], "U1", 10))
    back = done(world, give_back(world.alerts[1], "U1", 20, seen="U1"))
    assert (back.reason, back.visibility) == (TransitionReason.GIVEN_BACK, Visibility.REPLY_BROADCAST)
    assert give_back(world.alerts[1], "U1", 21, seen="U1") is HoldRefusal.NOT_HELD


def test_holder_changes_the_end() -> None:
    world = life()
    done(world, hold(world.alerts[1], "U1", 0, until=HOUR))
    later = done(world, hold(world.alerts[1], "U1", 60, until=2 * HOUR))
    assert (later.reason, later.visibility) == (TransitionReason.HOLD_CHANGED, Visibility.EDIT)
    assert later.new.acked_at == 0
    assert world.step(HOUR, BAD) == []
    assert seen(world.step(2 * HOUR, BAD)) == [(TransitionReason.HOLD_EXPIRED, Visibility.REPLY_BROADCAST)]


def test_given_back_alert_escalates_after_its_full_wait() -> None:
    world = life()
    done(world, hold(world.alerts[1], "U1", 10))
    done(world, give_back(world.alerts[1], "U1", 5000))
    assert world.step(5899, BAD) == []
    assert seen(world.step(5900, BAD)) == [(TransitionReason.ESCALATED, Visibility.REPLY_BROADCAST)]


def test_expired_acknowledgement_fires_and_escalates_again() -> None:
    world = life()
    assert seen(world.step(900, BAD)) == [(TransitionReason.ESCALATED, Visibility.REPLY_BROADCAST)]
    done(world, hold(world.alerts[1], "U1", 1000, until=1000 + HOUR))
    assert world.step(999 + HOUR, BAD) == []
    [over] = world.step(1000 + HOUR, BAD)
    assert over.reason is TransitionReason.HOLD_EXPIRED
    assert (over.new.state, over.new.acked_by, over.new.notes.acked_until) == (AlertState.FIRING, "", None)
    assert world.step(1899 + HOUR, BAD) == []
    assert seen(world.step(1900 + HOUR, BAD)) == [(TransitionReason.ESCALATED, Visibility.REPLY_BROADCAST)]


def test_expiry_of_a_silenced_alert_is_quiet_until_the_silence_ends() -> None:
    world = life()
    done(world, hold(world.alerts[1], "U1", 10, until=HOUR))
    world.silences = [silence(until=2 * HOUR)]
    world.step(20, BAD)
    assert seen(world.step(HOUR, BAD)) == [(TransitionReason.HOLD_EXPIRED, Visibility.EDIT)]
    assert world.step(HOUR + 10, BAD) == []
    assert seen(world.step(2 * HOUR, BAD)) == [(TransitionReason.UNMUTED, Visibility.REPLY_BROADCAST)]


def test_worse_alert_forgets_its_holder_and_the_end() -> None:
    world = Life([rule()], remind_holder=HOUR)
    world.step(0, found())
    done(world, hold(world.alerts[1], "U1", 10, until=HOUR))
    [worse] = world.step(20, found(weight=2))
    assert worse.reason is TransitionReason.WORSE
    assert (worse.new.acked_by, worse.new.notes.acked_until, worse.new.notes.holder_reminded_at) == ("", None, None)


def test_alert_gone_at_the_end_of_its_acknowledgement_is_resolved_instead() -> None:
    world = life()
    done(world, hold(world.alerts[1], "U1", 10, until=HOUR))
    assert [each.reason for each in world.step(HOUR, disk_broken=())] == [TransitionReason.RESOLVED]


def reminding(after: float = HOUR) -> Life:
    world = Life([rule(), rule("peer_down")], remind_holder=after)
    world.step(0, found(), found("peer_down", severity=CRITICAL, subject="2"))
    return world


BOTH = (found(), found("peer_down", severity=CRITICAL, subject="2"))


def reminders(world: Life, now: float) -> list[tuple[int, tuple[int, ...]]]:
    return [
        (move.new.id, move.also)
        for move in world.step(now, *BOTH)
        if move.reason is TransitionReason.HOLDER_REMINDED and move.visibility is Visibility.REPLY
    ]


def test_one_reminder_stands_for_all_alerts_of_a_holder() -> None:
    world = reminding()
    done(world, hold(world.alerts[1], "U1", 0))
    done(world, hold(world.alerts[2], "U1", 600))
    assert reminders(world, HOUR - 1) == []
    assert reminders(world, HOUR) == [(2, (1,))]
    assert reminders(world, HOUR + 600) == []
    assert world.alerts[1].notes.holder_reminded_at == world.alerts[2].notes.holder_reminded_at == HOUR


def test_two_holders_are_reminded_apart() -> None:
    world = reminding()
    done(world, hold(world.alerts[1], "U1", 0))
    done(world, hold(world.alerts[2], "U2", 0))
    assert sorted(reminders(world, HOUR)) == [(1, ()), (2, ())]


def test_time_between_reminders_doubles_up_to_a_day() -> None:
    world = reminding(4 * HOUR)
    done(world, hold(world.alerts[1], "U1", 0))
    hours = [hour for hour in range(1, 101) if reminders(world, hour * HOUR)]
    assert hours == [4, 8, 16, 32, 56, 80]
    assert reminder_due_at(world.alerts[1], 4 * HOUR) == 104 * HOUR


def test_silenced_alert_reminds_no_one() -> None:
    world = reminding()
    done(world, hold(world.alerts[1], "U1", 0))
    world.silences = [silence(until=3 * HOUR)]
    assert [reminders(world, now) for now in (HOUR, 2 * HOUR)] == [[], []]
    assert [reminders(world, 3 * HOUR + 15 * place) for place in (0, 1)] == [[], [(1, ())]]


def test_reminders_can_be_switched_off() -> None:
    world = reminding(0)
    done(world, hold(world.alerts[1], "U1", 0))
    assert reminders(world, 100 * HOUR) == []


def test_reminder_shows_the_newest_text() -> None:
    world = Life([rule()], remind_holder=HOUR)
    world.step(0, found(severity=WARNING))
    done(world, hold(world.alerts[1], "U1", 0))
    [said] = world.step(HOUR, found(severity=WARNING, lines=("new",)))
    assert said.reason is TransitionReason.HOLDER_REMINDED
    assert said.new.version == world.alerts[1].version
    assert "new" in str(said.new.detail)
