"""One verdict: never less severe than the worst open alert, the most severe reason first."""

from dataclasses import replace

import pytest

from bot.alerting.cluster_state.counters import is_fresh, may_be_kept, status_context
from bot.alerting.cluster_state.state import ClusterNote, ClusterState, update
from bot.alerting.cluster_status import ClusterStatus, StatusContext, StatusLevel, cluster_status
from bot.alerting.details import AnswerFault, ClusterSilent, FaultKind, HostFault
from bot.alerting.model import Alert, AlertState, Detail, LegacyDetail, Severity
from bot.alerting.risk_facts import RiskFact, RiskNote
from bot.alerting.rules.base import CANNOT_TELL, RuleContext
from bot.alerting.rules.capacity import CHUNKS_LOW
from bot.alerting.rules.chunks import NOT_LISTED, Chunks, usable_chunks, zones_of
from bot.alerting.rules.table import RULES
from bot.alerting.status_facts import NamedLeaderSilent
from bot.alerting.topics import TOPICS
from bot.clustermgr.models import Disk, HostAnswer, Snapshot, ZoneChunks, ZoneDisks
from bot.clustermgr.slow_poll import count_zones
from bot.common.errors import AuthRejected, ClusterTimeout, ClusterUnreachable
from bot.views.alert_text.table import sentence_of
from bot.views.stat import stat
from bot.views.stat_details import stat_in_full
from bot.views.status_text import alert_headline, listed_reasons, not_milder, reason_text, status_sentence
from tests.support.alert_samples import DETAIL_SAMPLES
from tests.support.alert_words import sentence
from tests.support.raft_snapshots import failing, having
from tests.support.view_samples import recorded_stats
from tests.support.watch_builders import disk, polled


def alert(severity: Severity, state: AlertState = AlertState.FIRING, rule: str = "some_rule") -> Alert:
    return Alert("prod", rule, "", state, severity, LegacyDetail("Something of prod is wrong."), 1.0, id=38)


def refused(at: float, *, silent: tuple[int, ...], leader: int = 1) -> Snapshot:
    """A look at which these hosts refuse connections, instead of being late."""
    seen = polled(at, silent=silent, leader=leader)
    answers = tuple(
        replace(h, error=ClusterUnreachable("refused", host=h.host)) if h.error else h for h in seen.answers
    )
    return replace(seen, answers=answers)


def test_headline_of_an_alert_says_that_it_is_open() -> None:
    about = replace(alert(Severity.CRITICAL), detail=LegacyDetail("prod accepts no writes: it has no leader."))
    found = cluster_status(polled(100), polled(90), StatusContext((about,)))
    assert found.level is StatusLevel.CRITICAL
    assert status_sentence(found) == (
        "prod is critical, because alert #38 is still open. prod accepts no writes: it has no leader. "
        "Peer 1 leads in term 5."
    )
    assert listed_reasons(found) == []


def test_old_alert_of_an_answering_cluster_is_no_present_state() -> None:
    hosts = tuple(HostFault(f"h:{node}", AnswerFault(FaultKind.TIMEOUT)) for node in (1, 2, 3))
    old = replace(alert(Severity.CRITICAL, rule="cluster_unreachable"), detail=ClusterSilent(hosts))
    sentence = status_sentence(cluster_status(polled(100, silent=(1,)), None, StatusContext((old,), voters=3)))
    assert sentence.startswith("prod is critical, because alert #38 is still open. prod is unreachable")
    unnumbered = alert_headline("Something", replace(alert(Severity.WARNING), id=0))
    assert unnumbered == "Something is degraded, because an alert is still open. Something of prod is wrong."


@pytest.mark.parametrize("detail", DETAIL_SAMPLES)
def test_alert_in_a_headline_is_not_cut(detail: Detail) -> None:
    open_now = replace(alert(Severity.CRITICAL), detail=detail)
    assert alert_headline("prod", open_now).endswith(f"still open. {sentence_of(open_now).rstrip('.')}.")


@pytest.mark.parametrize(
    ("severity", "state", "level"),
    [
        (Severity.CRITICAL, AlertState.FIRING, StatusLevel.CRITICAL),
        (Severity.CRITICAL, AlertState.ACKNOWLEDGED, StatusLevel.CRITICAL),
        (Severity.WARNING, AlertState.FIRING, StatusLevel.DEGRADED),
        (Severity.INFO, AlertState.FIRING, StatusLevel.HEALTHY),
        (Severity.CRITICAL, AlertState.PENDING, StatusLevel.HEALTHY),
        (Severity.CRITICAL, AlertState.RESOLVED, StatusLevel.HEALTHY),
    ],
)
def test_verdict_is_never_milder_than_worst_alert(severity: Severity, state: AlertState, level: StatusLevel) -> None:
    found = cluster_status(polled(100), polled(90), StatusContext((alert(severity, state),)))
    assert found.level is level
    if level is not StatusLevel.HEALTHY:
        assert reason_text(found.reasons[0]) == "Something of prod is wrong (alert #38)"
        assert "#38" in status_sentence(found)


@pytest.mark.parametrize(
    ("risk", "level", "words"),
    [
        (RiskNote(lost=1), StatusLevel.CRITICAL, "1 volume has lost data"),
        (RiskNote(none_left=2), StatusLevel.CRITICAL, "2 volumes can lose no more units"),
        (RiskNote(unknown=1), StatusLevel.CRITICAL, "1 volume has lost units and an unknown code mode"),
        (RiskNote(unreadable=32, unreachable=8), StatusLevel.CRITICAL, "32 volumes cannot be read now"),
        (RiskNote(one_left=3, reduced=4), StatusLevel.DEGRADED, "3 volumes can lose 1 more unit"),
        (RiskNote(reduced=4, unreachable=8), StatusLevel.HEALTHY, ""),
    ],
)
def test_status_is_at_once_as_bad_as_the_risk_of_volumes(risk: RiskNote, level: StatusLevel, words: str) -> None:
    """No alert fires yet: that one about unreachable units waits until it has held for ten minutes."""
    found = cluster_status(polled(100), polled(90), StatusContext(risk=RiskFact(risk, 95)))
    assert found.level is level
    if words:
        assert status_sentence(found) == f"prod is {level}: {words}. Peer 1 leads in term 5."
        assert len(found.reasons) == 1
    for seen in (polled(100, silent=(1,)), polled(100, leader=0)):
        unled = cluster_status(seen, known=StatusContext(risk=RiskFact(risk, 95), voters=3))
        assert unled.level in {StatusLevel.CRITICAL, StatusLevel.NO_LEADER} or level is not StatusLevel.CRITICAL


def test_alert_about_volumes_says_nothing_beside_their_risk() -> None:
    about = alert(Severity.CRITICAL, rule="volumes_unreachable")
    known = StatusContext((about,), risk=RiskFact(RiskNote(unreadable=1), 95))
    assert [reason_text(fact) for fact in cluster_status(polled(100), polled(90), known).reasons] == [
        "1 volume cannot be read now"
    ]


def test_quorum_refused_by_majority_is_critical_at_once() -> None:
    found = cluster_status(refused(100, silent=(2, 3)))
    assert found.level is StatusLevel.CRITICAL
    assert status_sentence(found).startswith("prod may be refusing writes: only 1 of 3 voters is proven healthy")


def test_late_answers_of_one_poll_prove_no_lost_quorum() -> None:
    once = polled(100, silent=(2, 3))
    assert cluster_status(once, polled(90)).level is StatusLevel.DEGRADED
    assert cluster_status(polled(110, silent=(2, 3)), once).level is StatusLevel.CRITICAL


def test_follower_that_names_dead_leader_without_majority_has_no_quorum() -> None:
    found = cluster_status(refused(100, silent=(1, 3)))
    assert found.level is StatusLevel.NO_LEADER
    assert "no quorum" in status_sentence(found)


def test_two_voters_are_degraded_and_name_the_fix() -> None:
    found = cluster_status(polled(100, members=(1, 2), nodes=(1, 2)), polled(90, members=(1, 2), nodes=(1, 2)))
    assert found.level is StatusLevel.DEGRADED
    assert "add another voter" in reason_text(found.reasons[0])


def test_slow_leader_is_a_reason() -> None:
    seen = polled(100)
    slow = replace(seen, answers=(replace(seen.answers[0], took=3.01), *seen.answers[1:]))
    found = cluster_status(slow, polled(90))
    assert found.level is StatusLevel.DEGRADED
    assert "3,010 ms" in reason_text(found.reasons[0])


def test_fresh_leader_is_not_evaluated_by_its_counters() -> None:
    seen = polled(100, writable=0)
    assert cluster_status(seen).level is StatusLevel.CRITICAL
    assert cluster_status(seen, known=StatusContext(fresh=True)).level is StatusLevel.HEALTHY
    shown = stat(seen, known=StatusContext(fresh=True))
    assert "has not counted disks and space yet" in shown.text
    assert "0 % writable" not in shown.text


@pytest.mark.parametrize(
    ("state", "fresh"),
    [
        (ClusterState(), False),
        (ClusterState(leader=1, term=5, elected_at=0.0), False),
        (ClusterState(leader=1, term=5, elected_at=90.0), True),
        (ClusterState(leader=1, term=5, elected_at=-300.0), False),
        (ClusterState(leader=1, term=4, elected_at=-300.0), True),
        (ClusterNote(leader=0, term=5, state=ClusterState(leader=3, term=4)).state, True),
        (ClusterState(leader=3, term=4), True),
        (ClusterState(leader=3, term=9), False),
    ],
)
def test_freshness_of_leader_is_known_from_watch(state: ClusterState, fresh: bool) -> None:
    assert is_fresh(polled(100), state) is fresh


def test_chunks_on_bad_disks_do_not_count() -> None:
    zone = ZoneDisks.model_validate({"idc": "z0", "total_chunk": 8296, "total_free_chunk": 4148})
    bad = [Disk(disk_id=n, idc="z0", status=2, free_chunk_cnt=1037, max_chunk_cnt=1037) for n in range(4)]
    found = usable_chunks(zone, bad)
    assert (found.free, found.total, found.share) == (0, 4148, 0.0)


def test_every_rule_has_a_topic() -> None:
    assert {rule.key for rule in RULES} == set(TOPICS)


def test_lost_data_is_named_before_older_alerts_of_its_topic() -> None:
    older = replace(alert(Severity.CRITICAL, rule="volumes_at_risk"), since=1.0)
    lost = replace(
        alert(Severity.CRITICAL, rule="volumes_lost"), since=90.0, detail=LegacyDetail("Data of prod is lost.")
    )
    found = cluster_status(polled(100), polled(90), StatusContext((older, lost)))
    assert "Data of prod is lost." in status_sentence(found)


def test_reasons_of_one_severity_stand_in_the_order_of_topics() -> None:
    now, before = (polled(at, peers={3: {"active": False}}, bad=(disk(7),), read_only=True) for at in (100, 90))
    alerts = (alert(Severity.WARNING, rule="volumes_low"), alert(Severity.WARNING, rule="switch_changed"))
    reasons = cluster_status(now, before, StatusContext(alerts)).reasons
    assert [reason_text(reason).split(" ")[0] for reason in reasons] == [
        "2",
        "voter",
        "1",
        "Something",
        "the",
        "Something",
    ]


def test_alert_about_the_same_raises_the_reason_and_adds_none() -> None:
    now, before = (polled(at, peers={3: {"active": False}}) for at in (100, 90))
    plain = cluster_status(now, before)
    found = cluster_status(now, before, StatusContext((alert(Severity.CRITICAL, rule="quorum_at_risk"),)))
    assert (plain.level, found.level) == (StatusLevel.DEGRADED, StatusLevel.CRITICAL)
    assert found.reasons == plain.reasons


def test_alert_that_only_waits_to_be_resolved_raises_nothing() -> None:
    gone = replace(alert(Severity.CRITICAL), clear_since=95.0)
    assert cluster_status(polled(100), polled(90), StatusContext((gone,))).level is StatusLevel.HEALTHY


def test_hosts_that_answer_with_errors_are_no_lost_voters() -> None:
    rejected = failing(polled(100), 2, 3, error=AuthRejected("The token is rejected."))
    found = cluster_status(rejected, failing(polled(90), 2, 3, error=AuthRejected("The token is rejected.")))
    assert found.level is StatusLevel.DEGRADED


def test_contradicted_leader_is_asked_again() -> None:
    peers = {2: {"active": False}, 3: {"active": False}}
    once = cluster_status(polled(100, peers=peers), polled(90))
    assert (once.level, once.unsure) == (StatusLevel.DEGRADED, True)
    twice = cluster_status(polled(110, peers=peers), polled(100, peers=peers))
    assert (twice.level, twice.unsure) == (StatusLevel.CRITICAL, False)


def test_named_leader_that_answers_otherwise_is_not_called_silent() -> None:
    seen = having(polled(100, leader=2, term=6), 2, leader=0, term=6, raft_state="StateCandidate")
    found = cluster_status(seen)
    assert (found.level, found.unsure) == (StatusLevel.DEGRADED, True)
    assert "did not" not in status_sentence(found)
    assert "its own answer does not say so (term 6)" in status_sentence(found)


def test_two_lost_hosts_of_five_voters_are_no_lost_quorum() -> None:
    """Three hosts are configured of a group of five."""
    seen = refused(100, silent=(1, 3))
    assert cluster_status(seen).level is StatusLevel.NO_LEADER
    found = cluster_status(seen, known=StatusContext(voters=5))
    assert found.level is StatusLevel.DEGRADED
    assert "peer 1, named as leader in term 5, did not answer" in status_sentence(found)


def test_followers_late_at_two_polls_prove_the_quorum_lost() -> None:
    now, before = polled(100, silent=(1, 3)), polled(90, silent=(1, 3))
    assert (cluster_status(now, polled(90)).level, cluster_status(now, polled(90)).unsure) == (
        StatusLevel.DEGRADED,
        True,
    )
    assert cluster_status(now, before).level is StatusLevel.NO_LEADER


FIVE_HOSTS = (1, 2, 3, 4, 5)
REFUSED = ClusterUnreachable("refused")
LATE = ClusterTimeout("late")


def of_three_voters_and_two_retired_hosts(*late: int, ever: bool) -> ClusterStatus:
    """The status when hosts 4 and 5 refuse connections and the `late` hosts gave no answer at two polls.

    The retired hosts have answered before if `ever` is True.
    """
    first = polled(70, nodes=FIVE_HOSTS)
    state = update(ClusterState(), first if ever else failing(first, 4, 5, error=REFUSED))
    before, now = (
        failing(failing(polled(at, nodes=FIVE_HOSTS), 4, 5, error=REFUSED), *late, error=LATE) for at in (85, 100)
    )
    state = update(update(state, before), now)
    return cluster_status(now, before, status_context(state, now, ()))


@pytest.mark.parametrize("ever", [True, False])
def test_lost_retired_hosts_do_not_count_as_lost_voters(ever: bool) -> None:
    silent_leader = of_three_voters_and_two_retired_hosts(1, ever=ever)
    assert (silent_leader.level, silent_leader.unsure) == (StatusLevel.DEGRADED, False)
    assert isinstance(silent_leader.headline, NamedLeaderSilent)
    assert of_three_voters_and_two_retired_hosts(1, 2, ever=ever).level is StatusLevel.NO_LEADER


@pytest.mark.parametrize("ever", [True, False])
def test_lost_retired_hosts_do_not_prove_late_voters_lost(ever: bool) -> None:
    first = polled(70, nodes=FIVE_HOSTS)
    before = failing(first, 4, 5, error=REFUSED)
    state = update(ClusterState(), first if ever else before)
    once = failing(replace(before, at=85), 2, 3, error=LATE)
    found = cluster_status(once, before, status_context(update(state, once), once, ()))
    assert (found.level, found.unsure) == (StatusLevel.DEGRADED, True)
    twice = replace(once, at=100)
    assert cluster_status(twice, once, status_context(update(state, once), twice, ())).level is StatusLevel.CRITICAL


@pytest.mark.parametrize(
    ("members", "nodes", "smallest", "level"),
    [
        ((1, 2), (1, 2), 2, StatusLevel.DEGRADED),
        ((1, 2), (1,), 2, StatusLevel.DEGRADED),
        ((1, 2), (1, 2), 3, StatusLevel.HEALTHY),
        ((1,), (1,), 2, StatusLevel.HEALTHY),
        ((1,), (1, 2, 3), 2, StatusLevel.DEGRADED),
        ((1,), (1, 2), 3, StatusLevel.DEGRADED),
        ((1, 2, 3, 4), (1, 2, 3, 4), 2, StatusLevel.HEALTHY),
    ],
)
def test_small_groups_are_degraded_unless_meant(
    members: tuple[int, ...], nodes: tuple[int, ...], smallest: float, level: StatusLevel
) -> None:
    now, before = (polled(at, members=members, nodes=nodes) for at in (100, 90))
    assert cluster_status(now, before, StatusContext(smallest=smallest)).level is level


def test_noted_verdict_is_raised_by_an_alert_of_now() -> None:
    note = ClusterNote(at=90.0, level="healthy", verdict="prod is healthy.")
    stale = alert(Severity.CRITICAL, rule="watch_blind")
    assert not_milder(note, "prod", (stale,)).level == "critical"
    assert not_milder(note, "prod", (replace(stale, cluster="other"),)) == note
    raised = not_milder(ClusterNote(), "prod", (stale,))
    assert raised.verdict == "prod is critical, because alert #38 is still open. Something of prod is wrong."
    dark = ClusterNote(level="unreachable", verdict="prod is unreachable.")
    assert not_milder(dark, "prod", (stale,)) == dark


def test_counters_of_every_recorded_new_leader_are_not_evaluated() -> None:
    posted = [each for each in recorded_stats("stat_on_new_leader", "v1-2022-03") if each.claims_leadership]
    assert posted
    for each in posted:
        seen = replace(polled(100), answers=(HostAnswer("10.0.0.1:9998", 0.1, each),))
        assert is_fresh(seen, ClusterState())
        assert not any(
            "writable" in reason_text(reason)
            for reason in cluster_status(seen, known=status_context(ClusterState(), seen, ())).reasons
        )


def test_reelected_leader_has_not_counted_yet() -> None:
    state = update(update(ClusterState(), polled(100, term=5)), polled(110, term=6))
    assert state.elected_at == 110
    assert is_fresh(polled(120, term=6), state)
    assert not is_fresh(polled(471, term=6), state)
    assert not may_be_kept(state, polled(120, term=6), 360)
    assert may_be_kept(state, polled(471, term=6), 360)


def test_leader_cut_off_from_a_later_term_is_not_sampled() -> None:
    state = update(ClusterState(), polled(100, leader=2, term=7))
    assert not may_be_kept(state, polled(900, leader=1, term=5, silent=(2,)), 360)


def test_zone_chunks_without_disk_list_are_unknown() -> None:
    zone = ZoneDisks(idc="z0", total=8, total_chunk=8296, total_free_chunk=4148, broken=4)
    assert NOT_LISTED.usable(zone, None) is None
    listed = zones_of((ZoneChunks("z0", 7, 100),), at=100.0, now=400.0)
    assert listed.usable(zone, None) == Chunks(7, 100)
    assert zones_of((ZoneChunks("z0", 7, 100),), at=100.0, now=4000.0) == NOT_LISTED


def test_zone_of_dropped_disks_only_is_none_any_more() -> None:
    gone = ZoneDisks(idc="z9", total=3, total_chunk=300, total_free_chunk=300, dropped=2, repaired=1)
    assert not NOT_LISTED.present(gone)
    assert count_zones([Disk(disk_id=1, idc="z9", status=5, free_chunk_cnt=100, max_chunk_cnt=100)], ()) == ()


def test_recorded_counters_include_chunks_of_disks_that_take_none() -> None:
    """One disk each was broken, repaired, made read-only and dropped between the two."""
    [before], [after] = (
        recorded_stats(name)[0].space_stat.disk_stat_infos for name in ("stat_with_disks", "stat_with_disks2")
    )
    assert (before.available, after.available) == (8, 5)
    assert (before.total_chunk, before.total_free_chunk) == (after.total_chunk, after.total_free_chunk)


def test_zone_without_usable_chunks_is_critical_and_shown_so() -> None:
    zones = [ZoneDisks(idc="z0", total=8, available=4, total_chunk=8296, total_free_chunk=4148)]
    state = update(ClusterState(), polled(0.0))
    context = RuleContext(
        polled(1000.0, zones=zones),
        update(state, replace(polled(1000.0), zones=(ZoneChunks("z0", 0, 4148),))),
        1000.0,
    )
    answer = CHUNKS_LOW.answer(context)
    assert answer is not CANNOT_TELL
    assert [(each.subject, each.severity) for each in answer] == [("z0", Severity.CRITICAL)]
    assert "None of the chunks of zone z0" in sentence(answer[0])
    assert "0 of 4,148" in str(
        stat_in_full(context.snapshot, known=status_context(context.state, context.snapshot, ())).blocks
    )
