"""What a summary says and how it reads."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.cluster_state.observations import MemberChange, SwitchChange, SwitchNote
from bot.alerting.cluster_state.state import ClusterState, DiskNote, LeaderChange
from bot.alerting.cluster_status import StatusLevel
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity, Silence
from bot.alerting.reports.facts import ClusterFacts, OperationFact, Pending
from bot.alerting.reports.handover import hand_over
from bot.alerting.reports.summary import summarise
from bot.alerting.reports.trend import Measurement, Point, Sample, points, trend
from bot.alerting.risk_facts import RiskCaveats, RiskNote
from bot.interactions.message import Message
from bot.playground.slack_sim.blockkit import check_blocks
from bot.views.handover import handover
from bot.views.summary import summary
from bot.views.text import date
from tests.support.watch_builders import TIB

DAY = 86400.0
NOW = 1_790_000_000.0
HEALTHY = ClusterState(
    at=NOW - 10, leader=1, term=7, level="healthy", verdict="prod is healthy: peer 1 leads in term 7."
)


WEEK = tuple(Point(NOW - n * 3600, TIB, 8 * TIB, 10 * TIB) for n in range(168, -1, -1))


def facts_of(*values: Any, **changes: Any) -> ClusterFacts:
    return ClusterFacts(*values, **changes)


def sample(at: float, **values: Any) -> Sample:
    measured = Measurement(term=5, total=10 * TIB, used=TIB, writable=8 * TIB, bad_disks=0, disks=60)
    return (at, replace(measured, **values))


def shown(message: Message) -> str:
    return "\n".join(block["text"]["text"] for block in message.blocks if "text" in block)


def alert(number: int, state: AlertState = AlertState.FIRING, **changes: Any) -> Alert:
    made = Alert(
        "prod", "disk_broken", str(number), state, Severity.WARNING, LegacyDetail(f"Alert {number}."), NOW - 7200
    )
    return replace(made, **{"fired_at": NOW - 7200, **changes})


def of(*facts: ClusterFacts) -> str:
    return shown(summary(summarise(facts, NOW - DAY, NOW)).message)


def small_print(message: Message) -> list[str]:
    return [part["text"] for block in message.blocks if block["type"] == "context" for part in block["elements"]]


def test_summary_says_that_its_time_was_not_watched_from_the_start() -> None:
    """Also in a hand-over; a first measurement some minutes after the start is no gap."""
    began = NOW - 8 * 3600
    young = facts_of("prod", HEALTHY, watched_since=began)
    first, late, *_ = small_print(summary(summarise([young], NOW - DAY, NOW)).message)
    assert first == f"from {date(NOW - DAY, 'minute')} to {date(NOW, 'minute')}"
    assert late == f"watched only since {date(began, 'minute')}: nothing earlier is known"
    assert late in small_print(handover(hand_over([young], NOW - DAY, NOW)).message)
    for known in (NOW - 3 * DAY, NOW - DAY + 60):
        whole = small_print(summary(summarise([replace(young, watched_since=known)], NOW - DAY, NOW)).message)
        assert not [line for line in whole if "watched only" in line]


def test_summary_names_the_clusters_that_were_added_meanwhile() -> None:
    old = facts_of("old", HEALTHY, watched_since=NOW - 30 * DAY)
    added = [facts_of(f"new{n}", HEALTHY, watched_since=NOW - n * 3600) for n in range(1, 6)]
    lines = small_print(summary(summarise([old, *added], NOW - DAY, NOW)).message)
    [late] = [line for line in lines if "watched" in line]
    assert late.startswith(f"watched only later: new1 since {date(NOW - 3600, 'minute')}, new2 since")
    assert late.endswith(" and 2 more")
    assert "old" not in late


def test_volumes_at_risk_are_said_before_operations() -> None:
    reduced = replace(HEALTHY, risk=RiskNote(one_left=1, reduced=13), risk_at=NOW - 10)
    text = of(facts_of("prod", reduced))
    assert "• 🟡 volumes: 1 volume can lose 1 more unit and 13 can still lose 2 or more units, as of" in text
    unread = replace(HEALTHY, risk=RiskNote(caveats=RiskCaveats(pending_volumes=40)), risk_at=NOW - 10)
    assert "volumes: no volume is known to have lost units; not judged yet: 40 volumes" in of(facts_of("prod", unread))


def test_volumes_that_cannot_be_read_are_said() -> None:
    away = replace(HEALTHY, risk=RiskNote(reduced=4, unreachable=40, unreadable=10), risk_at=NOW - 10)
    assert (
        "• 🔴 volumes: 10 volumes cannot be read now, 4 can still lose 2 or more units and 40 have unreachable units "
        "only" in of(facts_of("prod", away))
    )


def test_alerts_of_equal_severity_are_in_the_order_of_their_rules() -> None:
    older = alert(1, rule="volumes_at_risk", since=NOW - 9000, severity=Severity.CRITICAL)
    lost = alert(2, rule="volumes_lost", since=NOW - 60, severity=Severity.CRITICAL)
    text = of(facts_of("prod", HEALTHY, open=(older, lost)))
    assert text.index("Alert 2.") < text.index("Alert 1.")


def test_cluster_with_volumes_at_risk_is_not_quiet() -> None:
    reduced = facts_of("b", replace(HEALTHY, risk=RiskNote(reduced=1), risk_at=NOW - 10))
    built = summarise([facts_of("a", HEALTHY), reduced, facts_of("c", HEALTHY)], NOW - DAY, NOW)
    assert [each.quiet(NOW) for each in built.clusters if each.name == "b"] == [False]


def test_quiet_day_has_three_lines() -> None:
    assert of(facts_of("prod", HEALTHY)) == (
        "Summary: prod is healthy\n🟢 *prod* is healthy: peer 1 leads in term 7.\n• nothing changed"
    )


def test_summary_counts_changes() -> None:
    state = replace(HEALTHY, leader=2, changes=(LeaderChange(NOW - 90000, 3, 1, 5), LeaderChange(NOW - 50, 1, 2, 7)))
    samples = (sample(NOW - DAY), sample(NOW - 60, used=2 * TIB, bad_disks=2, disks=66, term=7))
    resolved = alert(2, AlertState.RESOLVED, resolved_at=NOW - 100)
    text = of(facts_of("prod", state, recent=(alert(1), resolved), samples=samples))
    assert "• leadership moved from peer 1 to peer 2 in term 7" in text
    assert "• broken or repairing disks: 0 then, 2 now" in text
    assert "• disks: 60 then, 66 now" in text
    assert "• 2 alerts fired, 1 resolved" in text
    assert "1.0 TiB more than before" in text


def test_frequent_leader_changes_are_one_line() -> None:
    state = replace(HEALTHY, leader=2, changes=tuple(LeaderChange(NOW - n, 1, 2, 7) for n in (30, 20, 10)))
    assert "• the leader changed 3 times, now peer 2 leads in term 7" in of(facts_of("prod", state))


def test_known_disks_are_named() -> None:
    """A disk that broke and was repaired between two summaries is listed too."""
    state = replace(HEALTHY, disks=(DiskNote(9, 3),), disks_at=NOW - 10)
    samples = (sample(NOW - DAY, bad=(3,)), sample(NOW - 7200, bad=(3, 5)), sample(NOW - 60, bad=(9,)))
    text = of(facts_of("prod", state, samples=samples))
    assert "• disks 5 and 9 broke" in text
    assert "• disks 3 and 5 are repaired or gone" in text


def test_changes_name_their_operation() -> None:
    switches = tuple(SwitchChange(NOW - n, f"key{n}", "true", "false", NOW - 100, op=n) for n in range(5))
    state = replace(
        HEALTHY,
        dialect="v3",
        member_changes=(MemberChange(NOW - 60, 4, "", "voter", op=12), MemberChange(NOW - 50, 2, "voter", "")),
        switch_changes=switches,
    )
    text = of(facts_of("prod", state))
    assert "• peer 4 joined as a voter (operation #12)" in text
    assert "• peer 2 left (it was a voter)" in text
    assert "• 5 changes of switches, the last: the switch key4 went from on to off (operation #4)" in text


def test_leases_ending_soon_and_disabled_tasks_are_listed() -> None:
    state = replace(
        HEALTHY,
        dialect="v3",
        switches={
            "balance": SwitchNote("false", NOW - 3 * DAY),
            "disk_repair": SwitchNote("Enable", NOW - 2 * DAY),
            "blob_delete": SwitchNote("false", NOW - 3600),
            "shard_repair": SwitchNote("true", NOW - 3 * DAY),
            "data_inspect": SwitchNote(None, NOW - 3 * DAY),
        },
    )
    facts = facts_of(
        "prod",
        state,
        pending=(
            Pending(4, "turn disk_drop off", "leased", "U1", NOW - 60, NOW + 3600, "disk_drop"),
            Pending(5, "remove peer 3", "waiting", "U2", NOW - 60, NOW + 600),
            Pending(6, "add peer 4", "unknown", "U2", NOW - 60),
        ),
        silences=(
            Silence("prod", "*", "", NOW + 1800, "U1", id=7),
            Silence("prod", "disk_broken", "", NOW + 5 * DAY, "U1", id=8),
        ),
    )
    text = of(facts)
    assert "• ⚪ `balance` has been off for 3 d" in text
    assert "• ⚪ `disk_repair` has been meaningless ('Enable') for 2 d" in text
    assert "blob_delete" not in text
    assert "shard_repair" not in text
    assert "data_inspect" not in text
    assert "• ⏱ operation #4 (turn disk_drop off, requested by <@U1>) reverts in 1 h" in text
    assert "• ⏳ operation #5 (remove peer 3, requested by <@U2>) waits for approval, expires in 10 min" in text
    assert "• ❓ operation #6 (add peer 4, requested by <@U2>): unknown whether it was applied" in text
    assert "• 🔕 silence #7 of all alerts ends in 30 min (by <@U1>)" in text
    assert "• 🔕 1 silence in force: `/cm silences`" in text


def test_space_growth_has_its_share() -> None:
    samples = (sample(NOW - DAY), sample(NOW - 60, used=2 * TIB))
    assert "2.0 TiB of 10.0 TiB used (20 %), 1.0 TiB more than before" in of(facts_of("prod", HEALTHY, samples=samples))
    assert "1.0 TiB of 10.0 TiB used (10 %), as before" in of(facts_of("prod", HEALTHY, samples=(sample(NOW),)))


def test_old_measurement_of_space_says_when_it_was_taken() -> None:
    old = of(facts_of("prod", HEALTHY, samples=(sample(NOW - 7200),)))
    assert f"used (10 %), as before · measured <!date^{NOW - 7200:.0f}^" in old
    assert "measured" not in of(facts_of("prod", HEALTHY, samples=(sample(NOW - 600),)))


def test_reelection_of_the_same_leader_is_no_change() -> None:
    text = of(facts_of("prod", HEALTHY, samples=(sample(NOW - DAY),)))
    assert "• 2 elections, and peer 1 still leads (term 7)" in text


def test_alert_in_the_status_is_not_repeated() -> None:
    ill = replace(HEALTHY, level="critical", verdict="prod is critical: Alert 1. Peer 1 leads.")
    text = of(facts_of("prod", ill, open=(alert(1, severity=Severity.CRITICAL, id=1),)))
    assert text.count("Alert 1") == 1
    assert "• 🚨 #1 Critical for 2 h, as above" in text


def test_open_alerts_are_sorted_by_severity_with_owner() -> None:
    grave = alert(2, id=2, severity=Severity.CRITICAL, acked_by="U1", state=AlertState.ACKNOWLEDGED)
    text = of(facts_of("prod", HEALTHY, open=(alert(1, id=1), grave, alert(3, AlertState.PENDING))))
    critical, warning = (line for line in text.split("\n") if "Alert" in line and line.startswith("•"))
    assert critical == "• 🚨 #2 Critical for 2 h, acknowledged by <@U1>: Alert 2."
    assert warning == "• ⚠️ #1 Warning for 2 h: Alert 1."


def test_unposted_alert_does_not_count() -> None:
    dropped = alert(1, AlertState.RESOLVED, fired_at=0.0, resolved_at=NOW - 100)
    assert "nothing changed" in of(facts_of("prod", HEALTHY, recent=(dropped,)))


def test_operations_name_requester_and_reason() -> None:
    operations = (
        OperationFact(NOW - 50, "balance turned off", "U1", "maintenance <!here>", ("U2", "U3")),
        OperationFact(NOW - 40, "balance turned on again"),
        OperationFact(NOW - 2 * DAY, "long ago", "U2"),
    )
    text = of(facts_of("prod", HEALTHY, operations=operations))
    posted = "requested by <@U1>, approved by <@U2> and <@U3>, “maintenance &lt;!here&gt;”"
    assert f"• balance turned off ({posted})" in text
    assert "• balance turned on again\n" in f"{text}\n"
    assert "long ago" not in text


def test_stale_state_shows_its_age() -> None:
    assert "not polled since" in of(facts_of("prod", replace(HEALTHY, at=NOW - 3600)))
    assert "*prod* has not been polled yet" in of(facts_of("prod", ClusterState()))


def test_hundred_clusters_fit_with_unhealthy_first() -> None:
    """Two are not healthy, one has changed: 97 fold into one line."""
    ill = replace(HEALTHY, level="no leader", verdict="z has no leader.")
    busy = tuple(alert(n) for n in range(50))
    facts = [facts_of(f"c{n:02}", replace(HEALTHY, verdict=f"c{n:02} is healthy."), history=WEEK) for n in range(97)]
    facts += [
        facts_of("z", ill),
        facts_of("busy", HEALTHY, open=busy),
        facts_of("moved", HEALTHY, operations=(OperationFact(NOW, "did"),)),
    ]
    report = summary(summarise(facts, NOW - DAY, NOW))
    lines = shown(report.message).split("\n")
    sentence = "Summary of 100 clusters: 1 without a leader, 99 healthy. 50 alerts are open."
    assert report.message.text.startswith(sentence)
    assert lines[1] == "🔴 *z* has no leader."
    assert lines[3].startswith("🟢 *busy*")
    assert lines[-1].startswith("🟢 *97 clusters* are healthy, and nothing changed: c00, c01, ")
    assert lines[-1].endswith("c11 and 85 more")
    assert len(lines) <= 30
    assert "more, in the thread" in shown(report.message)
    assert check_blocks(list(report.message.blocks)) == []
    [reply] = report.thread
    assert shown(reply).count("Alert") == 50


def test_hundred_unhealthy_clusters_continue_in_the_thread() -> None:
    busy = tuple(alert(n) for n in range(9))
    facts = [facts_of(f"c{n:03}", replace(HEALTHY, level="degraded"), open=busy) for n in range(130)]
    report = summary(summarise(facts, NOW - DAY, NOW))
    text = shown(report.message)
    assert len(text.split("\n")) <= 34
    assert "In the thread: 🟡 *c005* degraded, " in text
    assert "and 113 more" in text
    assert len(report.thread) == 6
    assert all(check_blocks(list(reply.blocks)) == [] for reply in report.thread)
    last = report.thread[-1].blocks[-1]["elements"][0]["text"]
    assert last == "… and 10 more; for one of them: `/cm summary &lt;cluster&gt;`", "Slack reads <…> as a link"


def test_command_answer_points_to_the_rest() -> None:
    value = summarise([facts_of("prod", HEALTHY, open=tuple(alert(n) for n in range(50)))], NOW - DAY, NOW)
    report = summary(value, threaded=False)
    assert report.thread == ()
    assert "more: `/cm summary prod`" in shown(report.message)


def test_late_summary_names_its_due_time() -> None:
    value = summarise([facts_of("prod", HEALTHY)], NOW - DAY, NOW, due_at=NOW - 7200)
    posted = [each["text"] for each in summary(value).message.blocks[-1]["elements"]]
    assert posted[1].startswith("late: due ")


def test_growth_comes_with_a_forecast_and_a_chart() -> None:
    month = [sample(NOW - n * 3600, used=int(10 * TIB - n * TIB / 96), total=20 * TIB, writable=8 * TIB)
             for n in range(720)]  # fmt: skip
    facts = facts_of("prod", HEALTHY, samples=month[:24], trend=trend(month), history=points(month))
    message = summary(summarise([facts], NOW - DAY, NOW)).message
    assert "growing by 256.0 GiB a day · full in about 40 days" in shown(message)
    [chart] = [block for block in message.blocks if block["type"] == "data_visualization"]
    [line] = chart["chart"]["series"]
    assert (line["name"], line["data"][-1]["value"]) == ("prod", 50.0)
    assert check_blocks(list(message.blocks)) == []


WORDS = st.text(max_size=40)
OPERATIONS = st.builds(OperationFact, st.floats(0, 2e9), WORDS, WORDS, WORDS)
ALERTS = st.builds(
    lambda state, words, by: replace(alert(1, state), detail=LegacyDetail(words), acked_by=by),
    st.sampled_from(AlertState),
    WORDS,
    WORDS,
)
FACTS = st.builds(
    ClusterFacts,
    st.text("abc-", min_size=1, max_size=9),
    st.builds(lambda level, words: replace(HEALTHY, level=level, verdict=words), st.sampled_from(StatusLevel), WORDS),
    open=st.lists(ALERTS, max_size=9),
    operations=st.lists(OPERATIONS, max_size=9),
)


@given(st.lists(FACTS, max_size=12, unique_by=lambda facts: facts.name))
def test_summary_always_fits_slack_limits(facts: list[ClusterFacts]) -> None:
    report = summary(summarise(facts, NOW - DAY, NOW))
    for message in (report.message, *report.thread):
        assert check_blocks(list(message.blocks)) == []
    assert len(shown(report.message).split("\n")) <= 36


def test_hostile_text_mentions_no_one() -> None:
    evil = "<!channel>"
    text = of(
        facts_of(
            "prod",
            replace(HEALTHY, verdict=evil),
            open=(alert(1, detail=LegacyDetail(evil)),),
            operations=(OperationFact(NOW, evil),),
        )
    )
    assert evil not in text
