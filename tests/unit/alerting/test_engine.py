"""The life of an alert, step by step."""

from dataclasses import replace

from bot.alerting.engine import TransitionReason, Visibility
from bot.alerting.holding import HoldRefusal, hold
from bot.alerting.model import AlertState
from bot.alerting.rules.base import CANNOT_TELL
from bot.views.alert_text.table import outcome_sentence
from tests.support.alert_words import lines
from tests.support.engine_builders import CRITICAL, Life, found, rule, seen, silence

FIRED = [(TransitionReason.FIRED, Visibility.POST)]
RESOLVED = [(TransitionReason.RESOLVED, Visibility.REPLY)]
WORSE = [(TransitionReason.WORSE, Visibility.REPLY)]
NEWS = [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]
CHANGED = [(TransitionReason.CHANGED, Visibility.EDIT)]


def test_alert_without_hold_fires_once() -> None:
    life = Life()
    assert seen(life.step(0, found())) == FIRED
    assert life.step(15, found()) == []
    assert life.alerts[1].fired_at == 0


def test_alert_with_hold_fires_later_with_its_start() -> None:
    life = Life([rule(for_seconds=30)])
    assert seen(life.step(0, found())) == [(TransitionReason.SEEN, Visibility.QUIET)]
    assert life.step(15, found()) == []
    [transition] = life.step(30, found())
    assert (transition.reason, transition.visibility, transition.new.since, transition.new.fired_at) == (
        TransitionReason.FIRED,
        Visibility.POST,
        0,
        30,
    )


def test_flap_shorter_than_the_hold_is_not_announced() -> None:
    life = Life([rule(for_seconds=30)])
    life.step(0, found())
    assert seen(life.step(15)) == [(TransitionReason.DROPPED, Visibility.QUIET)]
    assert seen(life.step(30, found())) == [(TransitionReason.SEEN, Visibility.QUIET)]
    assert life.alerts[1].fired_at == 0


def test_alert_absent_for_its_clear_time_is_resolved() -> None:
    life = Life([rule(clear=30)])
    life.step(0, found())
    assert seen(life.step(15)) == [(TransitionReason.CLEARING, Visibility.QUIET)]
    assert life.step(30) == []
    [transition] = life.step(45)
    assert (transition.reason, transition.visibility) == (TransitionReason.RESOLVED, Visibility.REPLY)
    assert (outcome_sentence(transition.new), transition.new.resolved_at, transition.new.state) == (
        "It is over.",
        45,
        AlertState.RESOLVED,
    )


def test_finding_that_returns_in_clear_time_is_not_announced() -> None:
    life = Life([rule(clear=30)])
    life.step(0, found())
    life.step(15)
    assert seen(life.step(30, found())) == [(TransitionReason.BACK, Visibility.QUIET)]
    assert seen(life.step(45)) == [(TransitionReason.CLEARING, Visibility.QUIET)]
    assert life.step(60) == []


def test_growth_posts_a_reply_and_shrinking_edits() -> None:
    life = Life()
    life.step(0, found())
    assert seen(life.step(15, found(weight=3))) == WORSE
    assert seen(life.step(30, found(weight=2))) == CHANGED
    assert seen(life.step(45)) == RESOLVED
    assert len(life.alerts) == 1
    assert [life.alerts[1].version, life.alerts[1].weight] == [4, 2]


def test_burst_edits_the_message_and_replies_later() -> None:
    life = Life()
    life.step(0, found())
    assert seen(life.step(15, found(weight=2))) == WORSE
    grown = [(TransitionReason.WORSE, Visibility.EDIT)]
    assert [seen(life.step(at, found(weight=at))) for at in (30, 45, 60)] == [grown] * 3
    assert life.step(75, found(weight=60)) == []
    assert seen(life.step(315, found(weight=60))) == WORSE
    assert life.step(330, found(weight=60)) == []
    assert seen(life.step(345, found(weight=60, severity=CRITICAL))) == [
        (TransitionReason.WORSE, Visibility.REPLY_BROADCAST)
    ]
    assert seen(life.step(360, found(weight=61, severity=CRITICAL))) == [
        (TransitionReason.WORSE, Visibility.REPLY_BROADCAST)
    ]


def test_acknowledged_alert_growing_in_a_burst_notifies() -> None:
    life = Life()
    life.step(0, found())
    life.step(15, found(weight=2))
    life.ack(20)
    assert seen(life.step(30, found(weight=3))) == WORSE


def test_worse_critical_alert_is_shown_in_the_channel() -> None:
    life = Life()
    life.step(0, found())
    assert seen(life.step(15, found(severity=CRITICAL))) == [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]
    assert seen(life.step(30, found())) == CHANGED


def test_new_part_of_equal_weight_is_worse() -> None:
    life = Life()
    life.step(0, found(weight=2, parts=("7", "8")))
    assert seen(life.step(15, found(weight=2, parts=("8", "9")))) == NEWS
    assert seen(life.step(30, found(weight=1, parts=("8",)))) == CHANGED


def test_partial_finding_raises_but_never_resolves() -> None:
    life = Life()
    full = found(weight=3, lines=("a", "b", "c"), parts=("1", "2", "3"))
    life.step(0, full)
    assert life.step(15, found(weight=2, partial=True)) == []
    assert lines(life.alerts[1]) == lines(full)
    assert seen(life.step(30, found(weight=4, partial=True))) == WORSE
    named = found(weight=4, lines=("a", "b", "c", "d"), parts=("1", "2", "3", "4"))
    assert seen(life.step(45, named)) == CHANGED


def test_partial_finding_keeps_a_clearing_alert() -> None:
    life = Life([rule(clear=30)])
    life.step(0, found(weight=2))
    life.step(15)
    assert seen(life.step(30, found(partial=True))) == [(TransitionReason.BACK, Visibility.QUIET)]


def test_unknown_answer_leaves_alerts_unchanged() -> None:
    life = Life([rule(remind=10)])
    life.step(0, found())
    assert life.step(1000, disk_broken=CANNOT_TELL) == []
    pending = Life([rule(for_seconds=30)])
    pending.step(0, found())
    assert seen(pending.step(1000, disk_broken=CANNOT_TELL)) == [(TransitionReason.NOTED, Visibility.QUIET)]
    assert pending.step(1015, disk_broken=CANNOT_TELL) == []


def test_unacknowledged_alert_gets_reminders() -> None:
    life = Life([rule(remind=100)])
    life.step(0, found())
    assert life.step(99, found()) == []
    assert seen(life.step(100, found())) == [(TransitionReason.REMINDED, Visibility.REPLY)]
    assert life.step(199, found()) == []
    assert seen(life.step(200, found())) == [(TransitionReason.REMINDED, Visibility.REPLY)]
    life.ack(210)
    assert life.step(900, found()) == []


def test_acknowledged_alert_is_quiet_until_worse() -> None:
    life = Life()
    life.step(0, found(weight=2))
    life.ack(5)
    assert (life.alerts[1].state, life.alerts[1].acked_by) == (AlertState.ACKNOWLEDGED, "U1")
    assert seen(life.step(15, found(weight=1))) == CHANGED
    assert life.alerts[1].state is AlertState.ACKNOWLEDGED
    assert seen(life.step(30, found(weight=3))) == WORSE
    assert (life.alerts[1].state, life.alerts[1].acked_by) == (AlertState.FIRING, "")


def test_only_a_firing_alert_can_be_acknowledged() -> None:
    life = Life()
    life.step(0, found())
    life.ack(1)
    assert hold(life.alerts[1], "U2", 2) is HoldRefusal.HELD_BY_ANOTHER
    life.step(15)
    assert hold(life.alerts[1], "U2", 20) is HoldRefusal.OVER


def test_silenced_alert_fires_after_the_silence() -> None:
    life = Life(silences=[silence(until=100)])
    assert seen(life.step(0, found())) == [(TransitionReason.SEEN, Visibility.QUIET)]
    assert life.step(99, found()) == []
    assert seen(life.step(100, found())) == FIRED


def test_alert_resolved_under_a_silence_is_not_announced() -> None:
    life = Life(silences=[silence()])
    life.step(0, found())
    assert seen(life.step(15)) == [(TransitionReason.DROPPED, Visibility.QUIET)]


def test_silence_lifts_for_a_worse_alert() -> None:
    life = Life([rule(remind=100)], [silence(), silence("*", id=2)])
    life.step(0, found())
    assert seen(life.step(15, found(weight=2))) == FIRED
    assert seen(life.step(30, found(weight=3))) == WORSE
    assert seen(life.step(130, found(weight=3))) == [(TransitionReason.REMINDED, Visibility.REPLY)]
    assert life.alerts[1].notes.lifted == (1, 2)


def test_silenced_firing_alert_has_no_reminders_or_end_line() -> None:
    life = Life([rule(remind=100)])
    life.step(0, found(weight=2))
    life.silences.append(silence())
    assert seen(life.step(500, found(weight=2))) == [(TransitionReason.NOTED, Visibility.QUIET)]
    assert seen(life.step(515, found(weight=1))) == CHANGED
    assert seen(life.step(530)) == [(TransitionReason.RESOLVED, Visibility.EDIT)]


def test_silence_tolerates_its_weight() -> None:
    life = Life()
    life.step(0, found())
    life.silences.append(silence(weight=5))
    assert seen(life.step(15, found(weight=5))) == CHANGED
    assert seen(life.step(30, found(weight=6))) == WORSE


def test_silence_lifts_for_new_parts_or_severity() -> None:
    life = Life()
    life.step(0, found(parts=("1",)))
    life.silences.append(silence(weight=50))
    assert seen(life.step(15, found(parts=("2",)))) == NEWS
    other = Life()
    other.step(0, found())
    other.silences.append(silence(weight=50))
    assert seen(other.step(15, found(severity=CRITICAL))) == [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]


def test_silence_matches_its_cluster_rule_and_subject() -> None:
    peers = rule("peer_down")
    others = [silence("peer_down", subject="2"), silence("no_leader"), replace(silence("*"), cluster="archive")]
    life = Life([peers], others)
    transitions = life.step(0, found("peer_down", subject="2"), found("peer_down", subject="3"))
    assert {transition.new.subject: transition.visibility for transition in transitions} == {
        "2": Visibility.QUIET,
        "3": Visibility.POST,
    }


def test_wildcard_silence_excludes_protected_rules() -> None:
    life = Life([rule("no_leader")], [silence("*")])
    assert seen(life.step(0, found("no_leader"))) == FIRED
    named = Life([rule("no_leader")], [silence("no_leader")])
    assert seen(named.step(0, found("no_leader"))) == [(TransitionReason.SEEN, Visibility.QUIET)]


BOTH = (rule("cluster_unreachable", clear=30), rule("host_unreachable", clear=30))


def test_unreachable_cluster_inhibits_its_hosts() -> None:
    life = Life(BOTH)
    hosts = [found("host_unreachable", subject=name) for name in ("a", "b")]
    transitions = life.step(0, found("cluster_unreachable"), *hosts)
    assert {transition.new.rule: transition.visibility for transition in transitions} == {
        "cluster_unreachable": Visibility.POST,
        "host_unreachable": Visibility.QUIET,
    }
    life.step(15, hosts[0])
    transitions = life.step(45, hosts[0])
    assert [(transition.new.rule, transition.reason) for transition in transitions] == [
        ("cluster_unreachable", TransitionReason.RESOLVED)
    ]
    assert seen(life.step(60, hosts[0])) == FIRED


def test_inhibited_alert_neither_grows_nor_resolves() -> None:
    life = Life((rule("no_leader"), rule("quorum_at_risk", remind=10)))
    life.step(0, found("quorum_at_risk"))
    transitions = life.step(15, found("no_leader"), found("quorum_at_risk", weight=2))
    assert [transition.new.rule for transition in transitions] == ["no_leader"]
    assert life.step(30, found("no_leader")) == []
    transitions = life.step(45, found("quorum_at_risk", weight=2))
    assert [(m.new.rule, m.reason) for m in transitions] == [("no_leader", TransitionReason.RESOLVED)]
    assert seen(life.step(60, found("quorum_at_risk", weight=2))) == WORSE


def test_disabled_rule_inhibits_nothing() -> None:
    life = Life(BOTH)
    a_host = found("host_unreachable", subject="a")
    life.step(0, found("cluster_unreachable"), a_host)
    life.rules = BOTH[1:]
    assert seen(life.step(15, a_host)) == [(TransitionReason.WITHDRAWN, Visibility.REPLY), *FIRED]


def test_settling_poll_announces_nothing() -> None:
    life = Life([rule(remind=10)])
    assert seen(life.step(0, found(), settling=True)) == [(TransitionReason.SEEN, Visibility.QUIET)]
    assert seen(life.step(15, found())) == FIRED
    assert life.step(100, settling=True) == []
    assert life.step(100, found(weight=9), settling=True) == []
    assert seen(life.step(115)) == RESOLVED


def test_alert_of_a_disabled_rule_is_closed() -> None:
    life = Life()
    life.step(0, found())
    life.rules = ()
    assert seen(life.step(15)) == [(TransitionReason.WITHDRAWN, Visibility.REPLY)]
    pending = Life([rule(for_seconds=30)])
    pending.step(0, found())
    pending.rules = ()
    assert seen(pending.step(15)) == [(TransitionReason.DROPPED, Visibility.QUIET)]


def test_subjects_of_one_rule_are_independent() -> None:
    life = Life([rule("peer_down")])
    two, three = (found("peer_down", subject=name) for name in ("2", "3"))
    assert seen(life.step(0, two, three)) == FIRED * 2
    [transition] = life.step(15, three)
    assert (transition.new.subject, transition.reason) == ("2", TransitionReason.RESOLVED)


def test_each_visible_change_raises_the_version() -> None:
    life = Life([rule(clear=30)])
    versions = [life.step(0, found())[0].new.version, life.step(15, found(weight=2))[0].new.version]
    life.step(30)
    versions += [life.alerts[1].version, life.step(60)[0].new.version]
    assert versions == [1, 2, 2, 3]
