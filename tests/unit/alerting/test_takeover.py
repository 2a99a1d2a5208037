"""Takeover: the change of leader goes on in the message about the missing leader."""

from dataclasses import replace

import pytest

from bot.alerting.details import LeaderChanged, LeaderMissing, LeaderMove
from bot.alerting.model import Alert, AlertState, Detail, Muted, Severity
from bot.alerting.outcomes import LeaderNow
from bot.alerting.takeover import take_over
from bot.alerting.transition import Transition, TransitionReason, Visibility, ended, fired, noted
from bot.views.alert_text.table import outcome_sentence

NOW = 200.0


def alert(rule: str, detail: Detail, number: int) -> Alert:
    found = Alert("prod", rule, "", AlertState.FIRING, Severity.WARNING, detail, 90.0, fired_at=100.0)
    return replace(found, id=number, version=1, clear_since=150.0 if rule == "no_leader" else 0.0)


NONE = alert("no_leader", LeaderMissing(2, 3, ("h1:1",), 1, 5), 4)


def elected(op: int = 0, at: float = 190.0) -> Transition:
    found = alert("leader_changed", LeaderChanged((LeaderMove(1, 2, 6, at, op=op),)), 0)
    pending = replace(found, state=AlertState.PENDING, fired_at=0.0)
    return Transition(pending, fired(pending, NOW), TransitionReason.FIRED, Visibility.POST)


def test_change_of_leader_goes_on_in_the_message_of_the_outage() -> None:
    first, over = take_over([elected()], [NONE], NOW)
    assert (first.new.message_id, first.reason) == (4, TransitionReason.FIRED)
    assert (over.new.state, over.new.notes.folded, over.reason) == (
        AlertState.RESOLVED,
        ("leader_changed", ""),
        TransitionReason.RESOLVED,
    )
    assert over.new.outcome == LeaderNow(2, 6)
    assert outcome_sentence(over.new) == "prod was without a leader for 1 min."


def test_outage_that_ends_at_this_step_keeps_its_outcome() -> None:
    gone = Transition(NONE, ended(NONE, NOW, LeaderNow(2, 6)), TransitionReason.RESOLVED, Visibility.REPLY)
    for order in ([elected(), gone], [gone, elected()]):
        found = {each.new.rule: each.new for each in take_over(order, [NONE], NOW)}
        assert len(found) == 2
        assert found["leader_changed"].message_id == 4
        assert found["no_leader"] == noted(gone.new, folded=("leader_changed", ""))


def test_holder_of_the_outage_holds_what_is_left_of_it() -> None:
    held = noted(replace(NONE, state=AlertState.ACKNOWLEDGED, acked_by="U1", acked_at=120.0), acked_until=900.0)
    new = take_over([elected()], [held], NOW)[0].new
    assert (new.state, new.acked_by, new.acked_at, new.notes.acked_until) == (
        AlertState.ACKNOWLEDGED,
        "U1",
        120.0,
        900.0,
    )


@pytest.mark.parametrize(
    ("step", "before"),
    [
        (elected(op=12), NONE),
        (elected(at=50.0), NONE),
        (elected(), replace(NONE, clear_since=0.0)),
        (elected(), replace(NONE, state=AlertState.PENDING)),
        (elected(), replace(NONE, cluster="other")),
        (elected(), noted(NONE, muted=Muted(1, "U1"))),
        (elected(), noted(NONE, group="digest:C1:1")),
        (replace(elected(), new=noted(elected().new, group="digest:C1:1")), NONE),
        (replace(elected(), visibility=Visibility.QUIET), NONE),
    ],
)
def test_other_alerts_keep_their_own_messages(step: Transition, before: Alert) -> None:
    assert take_over([step], [before], NOW) == (step,)
