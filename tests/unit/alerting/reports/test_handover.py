"""What a hand-over tells, and how it reads."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.cluster_state.observations import MemberChange, Progress, SwitchChange, SwitchNote
from bot.alerting.cluster_state.state import ClusterState, DiskNote, LeaderChange
from bot.alerting.model import Alert, AlertState, LegacyDetail, LegacyOutcome, Severity, Silence
from bot.alerting.reports.facts import ClusterFacts, OperationFact, Pending
from bot.alerting.reports.handover import hand_over
from bot.alerting.reports.trend import Sureness, Trend
from bot.interactions.message import Message
from bot.playground.slack_sim.blockkit import check_blocks
from bot.views.handover import handover

DAY, HOUR = 86400.0, 3600.0
NOW = 1_790_000_000.0
SETTLE = "check the cluster, then type `/cm op settle 6`."
SHIFT = NOW - 12 * HOUR
HEALTHY = ClusterState(
    at=NOW - 10, leader=1, term=7, level="healthy", verdict="prod is healthy: peer 1 leads in term 7."
)


def facts_of(*values: Any, **changes: Any) -> ClusterFacts:
    return ClusterFacts(*values, **changes)


def alert(number: int, rule: str = "disk_broken", **changes: Any) -> Alert:
    made = Alert(
        "prod", rule, "", AlertState.FIRING, Severity.WARNING, LegacyDetail(f"Alert {number}."), NOW - 7200, id=number
    )
    return replace(made, **{"fired_at": NOW - 7200, **changes})


def shown(message: Message) -> str:
    return "\n".join(block["text"]["text"] for block in message.blocks if "text" in block)


def of(*facts: ClusterFacts) -> str:
    return shown(handover(hand_over(facts, SHIFT, NOW)).message)


def test_quiet_shift_has_four_lines() -> None:
    assert of(facts_of("prod", HEALTHY)).split("\n") == [
        "Hand-over: no alert is open",
        "🟢 healthy: *prod*",
        "No alert is open, nothing is muted, and no operation is in progress.",
        "*What happened*",
        "Nothing was recorded.",
    ]


def test_unowned_alerts_come_before_owned_ones() -> None:
    held = alert(2, state=AlertState.ACKNOWLEDGED, acked_by="U1", acked_at=NOW - HOUR, severity=Severity.CRITICAL)
    text = of(
        facts_of("prod", replace(HEALTHY, level="degraded", verdict="prod is degraded: a."), open=(held, alert(1)))
    )
    lines = text.split("\n")
    assert lines[0] == "Hand-over: 2 alerts open, 1 of them not acknowledged"
    assert lines[1] == "🔴 *prod* is critical, because alert #2 is still open. Alert 2."
    assert lines[3] == "• ⚠️ Warning for 2 h: Alert 1. · `/cm ack 1`"
    assert lines[5].startswith(f"• <@U1> since <!date^{NOW - HOUR:.0f}^")
    assert lines[5].endswith("🚨 Critical for 2 h: Alert 2.")


def test_running_work_is_listed_with_its_end() -> None:
    facts = facts_of(
        "prod",
        HEALTHY,
        pending=(
            Pending(4, "turn balance off", "leased", "U1", NOW - 60, NOW + HOUR, "balance"),
            Pending(5, "remove peer 3", "waiting", "U2", NOW - 60, NOW + 600),
            Pending(6, "add peer 4", "unknown", "U2", NOW - 60),
            Pending(7, "add peer 5", "running", "", NOW - 60),
        ),
        silences=(Silence("prod", "*", "", NOW + HOUR, "U1", "a <b>", id=7), Silence("prod", "x", "", NOW + DAY, "U1")),
    )
    text = of(facts)
    assert "• *prod* ⏱ operation #4 (turn balance off, requested by <@U1>) reverts in 1 h" in text
    assert "• *prod* ⏳ operation #7 (add peer 5, requested by cmbot) is running" in text
    assert "(1 h left), by <@U1>: “a &lt;b&gt;”" in text
    watch = text.split("*👀 Watch for*\n")[1].split("*What happened*")[0]
    assert watch.strip().split("\n") == [
        "• Operation #5 of prod expires in 10 min unless it is approved.",
        f"• It is unknown whether operation #6 of prod was applied: {SETTLE}",
        "• balance of prod reverts automatically in 1 h.",
        "• Silence #7 of everything in prod ends in 1 h.",
    ]


def test_watch_list_comes_from_known_state() -> None:
    state = replace(
        HEALTHY,
        at=NOW - HOUR,
        dialect="v3",
        switches={"disk_repair": SwitchNote("false", NOW - HOUR)},
        disks=(DiskNote(3, 2), DiskNote(4, 3)),
        repairs=(Progress(4, 3, NOW - DAY, NOW - 7 * HOUR),),
        changes=tuple(LeaderChange(NOW - n, 1, 2, 7) for n in (30, 20, 10)),
    )
    text = of(facts_of("prod", state, trend=Trend(full_in=20.2, sure=Sureness.GOOD)), facts_of("new", ClusterState()))
    for sentence in (
        "cmbot has not polled prod for 1 h: its data here is that old.",
        "The repair of 1 disk of prod has made no progress for 7 h (disk 4).",
        "disk_repair is off in prod while 1 disk waits for repair.",
        "The leader of prod changed 3 times in this shift: find the cause.",
        "prod is full in about 20 days at the current pace: `/cm trend prod`",
        "cmbot has never polled new: check its configuration.",
    ):
        assert f"• {sentence}" in text
    assert "*⚪ Switched off*\n• *prod* `disk_repair` has been off for 1 h" in text


def test_shift_events_are_ordered_and_unique() -> None:
    """A change of leader by an operation is listed once, under the operation."""
    state = replace(
        HEALTHY,
        dialect="v3",
        changes=(LeaderChange(NOW - 500, 1, 2, 7), LeaderChange(SHIFT - 1, 2, 1, 6)),
        member_changes=(MemberChange(NOW - 400, 4, "learner", "voter"), MemberChange(NOW - 399, 4, "voter", "", op=9)),
        switch_changes=(SwitchChange(NOW - 300, "balance", "true", "Enable", NOW - 400),),
    )
    resolved = alert(1, state=AlertState.RESOLVED, resolved_at=NOW - 100, outcome=LegacyOutcome("All disks are well."))
    facts = facts_of(
        "prod",
        state,
        recent=(resolved, alert(2, "leader_changed"), alert(3, fired_at=0.0)),
        operations=(OperationFact(NOW - 398, "operation 9: remove peer 4, verified", "U1"),),
    )
    happened = of(facts).split("*What happened*\n")[1].split("\n")
    assert [line.partition("*prod* ")[2] for line in happened] == [
        "alert #1 (disk_broken) fired: Alert 1",
        "leadership moved from peer 1 to peer 2 in term 7",
        "peer 4 went from learner to voter",
        "operation 9: remove peer 4, verified (<@U1>)",
        "the switch balance went from on to 'Enable'",
        "alert #1 (disk_broken) resolved after 1 h 58 min: All disks are well",
    ]


def test_shift_event_uses_the_sentence_of_its_time() -> None:
    ended = alert(
        1, state=AlertState.RESOLVED, changed_at=NOW - 60, resolved_at=NOW - 60, outcome=LegacyOutcome("All is well.")
    )
    facts = facts_of("prod", HEALTHY, recent=(ended, alert(2, changed_at=NOW - 90)))
    text = of(facts)
    assert "alert #1 (disk_broken) fired and last said: Alert 1" in text
    assert "alert #1 (disk_broken) resolved after 1 h 59 min: All is well" in text
    assert "alert #2 (disk_broken) fired and now says: Alert 2" in text


def test_long_shift_continues_in_the_thread() -> None:
    facts = facts_of(
        "prod", HEALTHY, operations=tuple(OperationFact(NOW - 900 + n, f"change {n}.") for n in range(900))
    )
    report = handover(hand_over([facts], SHIFT, NOW))
    text = shown(report.message)
    assert "… 894 before that, all in the thread" in text
    assert text.endswith("change 899.")
    assert shown(report.thread[0]).split("\n")[0].endswith("change 0.")
    assert len(report.thread) == 4
    assert report.thread[-1].blocks[-1]["elements"][0]["text"] == "… and 100 more after these"
    assert all(check_blocks(list(reply.blocks)) == [] for reply in (report.message, *report.thread))
    assert handover(hand_over([facts], SHIFT, NOW), threaded=False).thread == ()


def test_state_of_a_cluster_is_said_once() -> None:
    """The level is no prefix of a sentence that already says it."""
    facts = [
        facts_of("a", replace(HEALTHY, level="contradiction", verdict="a contradicts itself: two peers lead.")),
        facts_of("b", replace(HEALTHY, level="no leader", verdict="b accepts no writes: it has no leader.")),
        facts_of("c", ClusterState()),
    ]
    assert of(*facts).split("\n")[1:4] == [
        "🔴 *a* contradicts itself: two peers lead.",
        "🔴 *b* accepts no writes: it has no leader.",
        "⚪ *c* has not been polled yet.",
    ]


def test_many_unhealthy_clusters_fold() -> None:
    facts = [facts_of(f"c{n:02}", replace(HEALTHY, level="no leader", verdict="It has none.")) for n in range(60)]
    facts += [facts_of(f"h{n:02}", HEALTHY) for n in range(40)]
    text = of(*facts)
    assert "🔴 *c00*: It has none." in text
    assert "… and 56 more clusters not healthy: `/cm clusters`" in text
    assert "*h09* and 30 more" in text


WORDS = st.text(max_size=60)
TIMES = st.floats(NOW - DAY, NOW + DAY)


@given(
    st.lists(
        st.builds(
            facts_of,
            st.text("abc-", min_size=1, max_size=9),
            st.builds(lambda words: replace(HEALTHY, verdict=words), WORDS),
            open=st.lists(
                st.builds(lambda words, by: alert(1, detail=LegacyDetail(words), acked_by=by), WORDS, WORDS), max_size=9
            ),
            operations=st.lists(st.builds(OperationFact, TIMES, WORDS, WORDS), max_size=20),
            pending=st.lists(
                st.builds(
                    Pending, st.integers(1, 99), WORDS, st.sampled_from(["waiting", "leased"]), WORDS, TIMES, TIMES
                ),
                max_size=9,
            ),
            silences=st.lists(st.builds(Silence, WORDS, WORDS, WORDS, TIMES, WORDS, WORDS), max_size=9),
        ),
        max_size=9,
    )
)
def test_hand_over_always_fits_slack_limits(facts: list[ClusterFacts]) -> None:
    report = handover(hand_over(facts, SHIFT, NOW))
    for message in (report.message, *report.thread):
        assert check_blocks(list(message.blocks)) == []
    assert len(shown(report.message).split("\n")) <= 55
