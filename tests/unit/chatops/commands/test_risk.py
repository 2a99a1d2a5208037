"""/cm risk: answered at once, and again when the rest is read; what is not known is named."""

from bot.alerting.cluster_state.observations import SwitchNote
from bot.alerting.cluster_state.state import ClusterNote, ClusterState
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey
from tests.support.in_memory_ports import FakeCluster, typed
from tests.support.view_samples import AT, healthy, leaderless, seen

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
