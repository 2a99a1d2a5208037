"""Whom an alert calls and when: escalation, silences that end, the first look of a new life."""

from bot.alerting.engine import Transition, TransitionReason, Visibility
from bot.alerting.escalation import Escalation
from bot.alerting.model import AlertState, Muted
from tests.support.alert_words import lines
from tests.support.engine_builders import CRITICAL, WARNING, Life, found, rule, seen, silence

GROUP = "S0ONCALL"
NOTED = [(TransitionReason.NOTED, Visibility.QUIET)]
ESCALATED = [(TransitionReason.ESCALATED, Visibility.REPLY_BROADCAST)]
UNMUTED = [(TransitionReason.UNMUTED, Visibility.REPLY)]


def escalating(remind: float = 0) -> Life:
    return Life([rule(remind=remind)], escalation=Escalation(GROUP, 300))


BAD = found(severity=CRITICAL)


def calls(transitions: list[Transition]) -> list[tuple[TransitionReason, str]]:
    return [(transition.reason, transition.mention) for transition in transitions]


def test_unacknowledged_alert_escalates_after_its_time() -> None:
    life = escalating()
    life.step(0, BAD)
    assert life.step(299, BAD) == []
    assert calls(life.step(300, BAD)) == [(TransitionReason.ESCALATED, GROUP)]
    assert life.step(10_000, BAD) == []


def test_escalated_alert_notifies_the_group_with_each_reminder() -> None:
    life = escalating(remind=200)
    life.step(0, BAD)
    assert calls(life.step(200, BAD)) == [(TransitionReason.REMINDED, "")]
    assert seen(life.step(300, BAD)) == ESCALATED
    assert life.step(499, BAD) == []
    assert calls(life.step(500, BAD)) == [(TransitionReason.REMINDED, GROUP)]


def test_text_changing_every_poll_delays_no_escalation() -> None:
    life = escalating(remind=200)
    life.step(0, BAD)
    transitions = [life.step(now, found(severity=CRITICAL, lines=(str(now),))) for now in range(15, 315, 15)]
    reasons = [
        transition.reason for step in transitions for transition in step if transition.visibility is not Visibility.EDIT
    ]
    assert reasons == [TransitionReason.REMINDED, TransitionReason.ESCALATED]
    assert lines(life.alerts[1]) == ("300",)


def test_alert_growing_every_poll_delays_no_escalation() -> None:
    life = Life([rule()], escalation=Escalation(GROUP, 300, WARNING))
    life.step(0, found())
    said = [transition for now in range(15, 330, 15) for transition in life.step(now, found(weight=now))]
    assert [
        (transition.reason, transition.visibility)
        for transition in said
        if transition.visibility is not Visibility.EDIT
    ] == [
        (TransitionReason.WORSE, Visibility.REPLY),
        *ESCALATED,
        (TransitionReason.WORSE, Visibility.REPLY),
    ]


def test_mild_alert_or_missing_group_never_escalates() -> None:
    life = escalating()
    life.step(0, found(severity=WARNING))
    assert life.step(1000, found(severity=WARNING)) == []
    quiet = Life()
    quiet.step(0, BAD)
    assert quiet.step(10_000, BAD) == []


def test_escalation_time_starts_with_the_severity() -> None:
    life = escalating()
    life.step(0, found(severity=WARNING))
    assert seen(life.step(1000, BAD)) == [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]
    assert life.step(1299, BAD) == []
    assert seen(life.step(1300, BAD)) == ESCALATED


def test_acknowledgement_stops_escalation_until_worse() -> None:
    life = escalating(remind=400)
    life.step(0, BAD)
    life.step(300, BAD)
    life.ack(310)
    assert life.step(5000, BAD) == []
    worse = found(weight=2, severity=CRITICAL)
    assert calls(life.step(6000, worse)) == [(TransitionReason.WORSE, "")]
    assert life.step(6299, worse) == []
    assert calls(life.step(6300, worse)) == [(TransitionReason.ESCALATED, GROUP)]


def test_worse_unacknowledged_alert_escalates_at_the_same_time() -> None:
    life = escalating()
    life.step(0, BAD)
    life.step(299, found(weight=2, severity=CRITICAL))
    assert seen(life.step(300, found(weight=2, severity=CRITICAL))) == ESCALATED


def test_silenced_alert_escalates_after_the_silence() -> None:
    life = escalating()
    life.step(0, BAD)
    life.silences.append(silence(until=1000))
    assert seen(life.step(100, BAD)) == NOTED
    assert life.step(900, BAD) == []
    assert seen(life.step(1000, BAD)) == [(TransitionReason.UNMUTED, Visibility.REPLY_BROADCAST)]
    assert life.step(1299, BAD) == []
    assert seen(life.step(1300, BAD)) == ESCALATED


def test_alert_outlasting_its_silence_is_announced_once() -> None:
    life = Life()
    life.step(0, found())
    life.silences.append(silence(until=100))
    assert seen(life.step(15, found())) == NOTED
    [transition] = life.step(100, found())
    assert (transition.reason, transition.visibility) == UNMUTED[0]
    assert transition.old is not None
    assert transition.old.notes.muted == Muted(1, "U1")
    assert transition.new.notes.muted is None
    assert transition.new.notes.silenced == (1,)
    assert life.step(115, found()) == []


def test_lifted_silence_ends_like_an_expired_one() -> None:
    life = Life(silences=[silence()])
    life.step(0, found())
    life.silences.clear()
    [transition] = life.step(15, found())
    assert (transition.reason, transition.visibility) == (TransitionReason.FIRED, Visibility.POST)


def test_silence_end_is_announced_when_visible() -> None:
    life = Life((rule("no_leader"), rule("quorum_at_risk")))
    life.step(0, found("quorum_at_risk"))
    life.silences.append(silence("quorum_at_risk", until=100))
    life.step(15, found("quorum_at_risk"))
    life.step(100, found("quorum_at_risk"), found("no_leader"))
    assert TransitionReason.UNMUTED not in [transition.reason for transition in life.step(115, found("quorum_at_risk"))]
    assert seen(life.step(130, found("quorum_at_risk"))) == UNMUTED


def test_acknowledged_alert_stays_quiet_after_its_silence() -> None:
    life = Life()
    life.step(0, found())
    life.ack(1)
    life.silences.append(silence(until=100))
    life.step(15, found())
    assert seen(life.step(100, found())) == NOTED
    assert life.alerts[1].state is AlertState.ACKNOWLEDGED


def test_two_silences_end_with_the_later_one() -> None:
    life = Life()
    life.step(0, found())
    life.silences += [silence(until=100), silence("*", until=200, id=2)]
    assert seen(life.step(15, found())) == NOTED
    assert life.step(100, found()) == []
    assert seen(life.step(200, found())) == UNMUTED


def test_alert_that_worsened_under_a_silence_is_worse() -> None:
    life = Life()
    life.step(0, found())
    life.silences.append(silence())
    life.step(15, found())
    [transition] = life.step(30, found(weight=2))
    assert transition.reason is TransitionReason.WORSE
    assert transition.new.notes.muted is None


def test_proven_finding_fires_with_the_first_poll() -> None:
    life = Life([rule()], remembered=True)
    assert seen(life.step(0, found(), settling=True)) == [(TransitionReason.FIRED, Visibility.POST)]
    assert seen(life.step(1000, found(weight=2), settling=True)) == [(TransitionReason.WORSE, Visibility.REPLY)]
    assert seen(life.step(2000, settling=True)) == [(TransitionReason.RESOLVED, Visibility.REPLY)]


def test_unproven_finding_waits_for_the_second_poll() -> None:
    life = Life([rule(for_seconds=30, clear=30)], remembered=True)
    life.step(0, found())
    assert life.step(1000, found(), settling=True) == []
    assert seen(life.step(1015, found())) == [(TransitionReason.FIRED, Visibility.POST)]
    assert life.step(3000, settling=True) == []
    assert seen(life.step(3015)) == [(TransitionReason.CLEARING, Visibility.QUIET)]


def test_restart_repeats_no_announcement() -> None:
    life = Life([rule(), rule("peer_down", for_seconds=30)], remembered=True)
    peer = found("peer_down", subject="2")
    life.step(0, found(), peer)
    life.step(30, found(), peer)
    for now in (100, 200, 300):
        assert life.step(now, found(), peer, settling=True) == []
