"""Storms: which alerts get a message, which ones the group lists, and when the storm ends."""

from dataclasses import dataclass, field, replace

from bot.alerting.grouping import AlertGroup, ChannelHistory, GroupingLimits, due, group_alerts, listed
from bot.alerting.model import Alert, AlertState, EngineNotes, LegacyDetail, Muted, Severity
from bot.alerting.transition import Transition, TransitionReason, Visibility, noted
from bot.common.message_key import MessageKey
from bot.store.state_codec import decode_history, encode_history
from tests.support.alert_words import sentence

LIMITS = GroupingLimits(cluster=3, channel=5, within=100)
ALERT = Alert("prod", "peer_down", "", AlertState.FIRING, Severity.WARNING, LegacyDetail("Down."), since=0, version=1)


@dataclass
class Channel:
    """History of one channel and the alerts posted in it."""

    history: ChannelHistory = field(default_factory=lambda: ChannelHistory("C1"))
    made: int = 0

    def fire(self, now: float, *, cluster: str = "prod", rule: str = "peer_down", number: int = 1) -> list[str]:
        """Fire so many new alerts at once; return the group of each, "" for a separate message."""
        alerts = [
            replace(ALERT, cluster=cluster, rule=rule, subject=str(self.made + n), since=now) for n in range(number)
        ]
        self.made += number
        transitions = [Transition(None, alert, TransitionReason.FIRED, Visibility.POST) for alert in alerts]
        return [transition.new.notes.group or "" for transition in self.pass_by(now, *transitions)]

    def pass_by(self, now: float, *transitions: Transition) -> tuple[Transition, ...]:
        self.history, posted = group_alerts(self.history, transitions, (), LIMITS, now)
        return posted


FIRST = "digest:C1:1"


def test_alerts_up_to_the_limit_are_posted_individually() -> None:
    assert Channel().fire(0, number=3) == ["", "", ""]


def test_alerts_beyond_the_cluster_limit_are_grouped() -> None:
    channel = Channel()
    assert channel.fire(0, number=5) == ["", "", "", FIRST, FIRST]
    assert channel.fire(15) == [FIRST]
    assert channel.history.storm is not None
    assert channel.history.storm.since == 0


def test_old_alerts_do_not_count_towards_the_limit() -> None:
    channel = Channel()
    assert [channel.fire(now)[0] for now in range(0, 400, 40)] == [""] * 10


def test_storm_of_one_cluster_groups_no_other() -> None:
    channel = Channel()
    channel.fire(0, number=4)
    assert channel.fire(15, cluster="archive") == [""]


def test_alerts_beyond_the_channel_limit_are_grouped() -> None:
    channel = Channel()
    assert [channel.fire(0, cluster=name, number=2) for name in ("a", "b")] == [["", ""], ["", ""]]
    assert channel.fire(15, cluster="c", number=2) == ["", FIRST]
    assert channel.fire(30, cluster="d") == [FIRST]


def test_never_grouped_alert_has_its_own_message() -> None:
    channel = Channel()
    channel.fire(0, number=6)
    assert channel.fire(15, rule="no_leader") == [""]
    assert channel.fire(15, rule="quorum_at_risk") == [""]
    assert channel.fire(15, rule="volumes_lost") == [""]


def test_most_severe_alerts_are_posted_individually() -> None:
    channel = Channel()
    transitions = [
        Transition(
            None, replace(ALERT, subject=str(n), severity=Severity(1 + n // 2)), TransitionReason.FIRED, Visibility.POST
        )
        for n in range(6)
    ]
    posted = channel.pass_by(0, *transitions)
    assert [transition.new.subject for transition in posted] == [str(n) for n in range(6)]
    assert [transition.new.subject for transition in posted if transition.new.notes.group is None] == ["2", "4", "5"]


def test_storm_ends_at_half_the_limit() -> None:
    channel = Channel()
    channel.fire(0, number=4)
    channel.fire(50, number=2)
    channel.pass_by(149)
    assert channel.history.storm is not None
    channel.pass_by(150)
    assert channel.history.storm is None
    [group] = channel.history.groups
    assert group.ended_at == 150
    assert channel.fire(200, number=4) == ["", "", "", "digest:C1:2"]


def test_steady_stream_over_the_limit_is_one_group() -> None:
    channel = Channel()
    for now in range(0, 3000, 20):
        channel.fire(now)
    assert len(channel.history.groups) == 1


def over(ids: tuple[int, ...]) -> ChannelHistory:
    return ChannelHistory("C1", (), (AlertGroup(MessageKey.parse(FIRST), 0, ("prod",), ids, ended_at=100, due=ids),), 1)


def in_group(number: int, **changes: object) -> Alert:
    return replace(ALERT, id=number, notes=EngineNotes(group=FIRST), **changes)  # type: ignore[arg-type]  # fields by name


def test_unacknowledged_severe_alerts_are_posted_after_the_storm() -> None:
    alerts = [
        in_group(1, since=5.0),
        in_group(2, severity=Severity.CRITICAL),
        in_group(3, state=AlertState.ACKNOWLEDGED),
        in_group(4, since=4.0),
        in_group(5, since=6.0),
    ]
    assert due(alerts, LIMITS) == (2, 4, 1)


def test_alert_due_after_a_storm_is_posted_once() -> None:
    fires, changed, over_now = in_group(1), in_group(2), in_group(3)
    transitions = [
        Transition(
            changed,
            replace(changed, detail=LegacyDetail("More."), version=2),
            TransitionReason.CHANGED,
            Visibility.EDIT,
        ),
        Transition(
            over_now,
            replace(over_now, state=AlertState.RESOLVED, version=2),
            TransitionReason.RESOLVED,
            Visibility.REPLY,
        ),
    ]
    _, posted = group_alerts(over((1, 2, 3)), transitions, [fires, changed, over_now], LIMITS, 115)
    assert {transition.new.id: transition.reason for transition in posted} == {
        1: TransitionReason.SURFACED,
        2: TransitionReason.SURFACED,
        3: TransitionReason.RESOLVED,
    }
    own = {transition.new.id: transition.new for transition in posted}
    assert (sentence(own[2]), own[2].version, own[1].version) == ("More.", 2, 2)
    assert own[1].notes.group is None
    assert group_alerts(over((1,)), [], [own[1]], LIMITS, 130)[1] == ()


def test_acknowledged_or_silenced_alert_stays_in_the_group() -> None:
    quiet = [in_group(1, state=AlertState.ACKNOWLEDGED), in_group(2)]
    quiet[1] = noted(quiet[1], muted=Muted(1, "U1"))
    assert group_alerts(over((1, 2)), [], quiet, LIMITS, 115)[1] == ()
    [group] = over((1, 2)).groups
    assert listed(group, quiet) == quiet


def test_group_announces_a_severe_alert_first() -> None:
    alert = in_group(1)
    call = Transition(
        alert, replace(alert, version=2), TransitionReason.ESCALATED, Visibility.REPLY_BROADCAST, "S0ONCALL"
    )
    assert group_alerts(over((1,)), [call], [alert], LIMITS, 115)[1] == (call,)
    [transition] = group_alerts(over((1,)), [], [call.new], LIMITS, 130)[1]
    assert transition.reason is TransitionReason.SURFACED


def test_grouped_alert_is_posted_in_its_new_channel() -> None:
    [transition] = group_alerts(ChannelHistory("C2"), [], [in_group(1)], LIMITS, 115)[1]
    assert (transition.reason, transition.visibility) == (TransitionReason.SURFACED, Visibility.POST)


def test_channel_history_survives_the_store() -> None:
    channel = Channel()
    channel.fire(0, number=5)
    assert decode_history("C1", encode_history(channel.history)) == channel.history
    assert decode_history("C1", {}) == ChannelHistory("C1")
