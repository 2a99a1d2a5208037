"""/cm risk: answered at once, and again when the rest is read; what is not known is named."""

from dataclasses import replace

import pytest

from bot.alerting.cluster_state.observations import SwitchNote
from bot.alerting.cluster_state.state import ClusterNote, ClusterState
from bot.alerting.risk_facts import LostDisk
from bot.clustermgr.dashboard import Dashboard, ExpiredDisks
from bot.clustermgr.models import Snapshot, ZoneDisks
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey
from bot.views.blocks import utc
from tests.support.in_memory_ports import FakeCluster, typed
from tests.support.view_samples import AT, disk, healthy, leaderless, seen

BROKEN = SuspectDisks(bad=frozenset({1, 2, 3}))
WORST = PlacedVolume(12, 11, -3, (1, 2, 3, 4, 5, 6))


async def test_complete_survey_is_answered_once() -> None:
    whole = VolumeSurvey(BROKEN, {12: WORST}, {}, read_at=AT)
    [reply] = await typed("risk", FakeCluster(seen=[healthy()], surveys=[whole]))
    assert reply.message.text == "1 volume of prod loses data if one more unit is lost."
    assert "#1, #2, #3" in seen(reply.message)
    assert not reply.private


async def test_rest_is_read_for_a_second_answer() -> None:
    part = VolumeSurvey(BROKEN, {}, {}, pending_disks=(1, 2), read_at=AT)
    whole = VolumeSurvey(BROKEN, {12: WORST}, {}, read_at=AT)
    first, second = await typed("risk", FakeCluster(seen=[healthy()], surveys=[part, whole]))
    assert first.message.text == "No volume of prod is known to have lost units."
    assert "Not judged yet: 2 disks" in seen(first.message)
    assert second.message.text == "1 volume of prod loses data if one more unit is lost."


async def test_cluster_without_a_leader_is_not_judged() -> None:
    [reply] = await typed("risk", FakeCluster(seen=[leaderless()], surveys=[VolumeSurvey(SuspectDisks(), {}, {})]))
    assert reply.message.text == "The volumes of prod cannot be judged: no leader answers."


async def test_margin_is_smaller_while_shard_repair_is_off() -> None:
    whole = VolumeSurvey(BROKEN, {12: WORST}, {}, read_at=AT)
    state = ClusterState(dialect="v3", switches_at=AT, switches={"shard_repair": SwitchNote("false", AT)})
    [reply] = await typed(
        "risk", FakeCluster(seen=[healthy()], surveys=[whole]), remembered={"prod": ClusterNote(state=state)}
    )
    assert "new blobs may already lack up to 1 unit" in seen(reply.message)


def with_space(snapshot: Snapshot, **space: object) -> Snapshot:
    """The snapshot with other counters of disks, as every host reports them."""
    answers = []
    for answer in snapshot.answers:
        assert answer.stat is not None
        counters = answer.stat.space_stat.model_copy(update=space)
        answers.append(replace(answer, stat=answer.stat.model_copy(update={"space_stat": counters})))
    return replace(snapshot, answers=tuple(answers))


def settled() -> ClusterState:
    """The state of a cluster whose leader has counted its disks for long."""
    raft = healthy().answers[0].stat
    assert raft is not None
    return ClusterState(leader=raft.raft_status.node_id, term=raft.raft_status.term, term_since=1.0, elected_at=1.0)


async def asked(survey: VolumeSurvey, snapshot: Snapshot, state: ClusterState) -> str:
    known = {"prod": ClusterNote(state=state)}
    [reply] = await typed("risk", FakeCluster(seen=[snapshot], surveys=[survey]), remembered=known)
    return seen(reply.message)


async def test_table_says_since_when_the_last_unit_is_lost() -> None:
    whole = VolumeSurvey(BROKEN, {12: WORST}, {}, read_at=AT)
    lost = (LostDisk(1, AT - 60, seen=True), LostDisk(2, AT - 50, seen=True), LostDisk(3, AT - 10, seen=True))
    snapshot = replace(healthy(), bad_disks=tuple(disk(number) for number in (1, 2, 3)))
    assert utc(AT - 10) in await asked(whole, snapshot, ClusterState(lost_disks=lost))
    unseen = (*lost[:2], LostDisk(3, AT - 10))
    assert f"at least since {utc(AT - 10)}" in await asked(whole, snapshot, ClusterState(lost_disks=unseen))


async def test_disk_that_the_watch_has_not_seen_yet_is_lost_since_now() -> None:
    whole = VolumeSurvey(BROKEN, {12: WORST}, {}, read_at=AT)
    snapshot = replace(healthy(), bad_disks=tuple(disk(number) for number in (1, 2, 3)))
    assert f"at least since {utc(snapshot.at)}" in await asked(whole, snapshot, ClusterState())


@pytest.mark.parametrize(("counted", "since"), [(4, AT - 300), (3, healthy().at), (0, healthy().at)])
async def test_unreachable_units_show_their_disks_and_since_when(counted: int, since: float) -> None:
    """Four disks are expired now; the watch has counted some of them, all of them 300 s ago."""
    away = PlacedVolume(12, 11, -4, (1, 2, 3, 4, 5, 6))
    zone = ZoneDisks(idc="z0", total=9, available=9, expired=4)
    state = replace(settled(), expired=counted, expired_since=AT - 300 if counted else 0.0)
    survey = VolumeSurvey(SuspectDisks(), {12: away}, {}, read_at=AT)
    text = await asked(survey, with_space(healthy(), disk_stat_infos=(zone,)), state)
    assert f"at least since {utc(since)}" in text
    assert "4 units on unknown disks" in text


async def test_expired_disks_without_a_candidate_are_said() -> None:
    whole = VolumeSurvey(SuspectDisks(), {}, {}, read_at=AT)
    expired = with_space(healthy(), disk_stat_infos=(ZoneDisks(idc="z0", total=9, available=9, expired=3),))
    text = await asked(whole, expired, settled())
    assert "3 disks have lost the heartbeat and cannot be named: only the health of volumes shows it." in text


async def test_counters_of_a_new_leader_name_no_disk() -> None:
    """It shows every disk as expired, and every volume as unhealthy."""
    ill = PlacedVolume(12, 11, -6, (1, 2, 3, 4, 5, 6))
    whole = VolumeSurvey(SuspectDisks(frozenset({1})), {12: ill}, {}, read_at=AT)
    zone = ZoneDisks(idc="z0", total=9, available=9, expired=9)
    new = with_space(healthy(), disk_stat_infos=(zone,), writable_space=0, free_space=5)
    text = await asked(whole, new, replace(settled(), elected_at=AT - 5, term_since=AT - 5))
    assert "Not judged yet: heartbeats of disks" in text
    assert "Inferred" not in text


async def test_unknown_code_mode_is_shown_with_its_number() -> None:
    own = PlacedVolume(12, 240, -1, (1, 7, 8))
    whole = VolumeSurvey(SuspectDisks(frozenset({1})), {12: own}, {}, read_at=AT)
    text = await asked(whole, healthy(), settled())
    assert "unknown (240)" in text
    assert "how many more can be lost is not known" in text


async def test_volumes_beyond_the_table_are_counted_by_level() -> None:
    many = {vid: PlacedVolume(vid, 11, -2, (1, 2, 4, 5, 6, 7)) for vid in range(20, 50)} | {12: WORST}
    text = await asked(VolumeSurvey(BROKEN, many, {}, read_at=AT), healthy(), settled())
    assert "Not shown: 11 volumes can lose 1 more unit." in text
    assert text.index("#12") < text.index("#20")


async def test_dashboard_confirms_or_doubts_inferred_disks() -> None:
    away = PlacedVolume(12, 11, -3, (1, 2, 3, 4, 5, 6))
    board = Dashboard(AT, None, {"h": ExpiredDisks()}, possible=frozenset({2}))
    whole = VolumeSurvey(SuspectDisks(frozenset({1})), {12: replace(away, health_score=-6)}, {}, read_at=AT)
    expired = with_space(healthy(), disk_stat_infos=(ZoneDisks(idc="z0", total=9, available=9, expired=5),))
    text = await asked(replace(whole, dashboard=board), expired, settled())
    assert "the cluster does not name the hosts of disks #3, #4, #5 and #6" in text
    sure = replace(board, possible=frozenset({2, 3, 4, 5, 6}))
    assert "the cluster names their hosts" in await asked(replace(whole, dashboard=sure), expired, settled())
