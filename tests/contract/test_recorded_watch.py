"""The rules of the watch on recorded disasters: each sequence raises the expected findings and no others."""

from collections.abc import Mapping

import pytest

from bot.alerting.rules.base import CANNOT_TELL
from bot.alerting.rules.table import RULES
from bot.clustermgr.models import HostAnswer, RaftStatus, Snapshot, Stat
from bot.clustermgr.status_codes import Answer, check_read
from bot.common.errors import ClusterError, ClusterUnreachable
from tests.contract.recordings import RECORDED, exchanges
from tests.support.raft_snapshots import after

V1, MASTER = "v1-2022-03", "master-2025-12"
DEAD = ClusterUnreachable("No connection could be made.")
Views = Mapping[int, Stat | ClusterError]


def recorded(release: str, name: str, note: str) -> Stat:
    """What a node answered to /stat in the exchange with that note."""
    [text] = [each.answer for each in exchanges(RECORDED / release / f"{name}.json") if each.note == note]
    return Stat.model_validate_json(text)


def follower(node: int, leader: Stat) -> Stat:
    """What a follower that was not asked at that moment tells: the same leader and term."""
    raft = leader.raft_status
    own = RaftStatus(node_id=node, term=raft.term, leader=raft.leader, commit=raft.commit, applied=raft.applied)
    return Stat(leader_host=leader.leader_host, raft_status=own)


def polled(at: float, views: Views) -> Snapshot:
    answers = (
        HostAnswer(f"h{node}:1", 0.01, stat=view)
        if isinstance(view, Stat)
        else HostAnswer(f"h{node}:1", 0.01, error=view)
        for node, view in views.items()
    )
    return Snapshot("prod", at, tuple(answers), bad_disks=())


def found(*views: Views) -> dict[str, list[str]]:
    """What each rule that sees anything says of the last of these looks, 25 s apart; by key and subject."""
    view = after(*(polled(100 + 25 * n, each) for n, each in enumerate(views)))
    answers = {rule.key: rule.answer(view) for rule in RULES}
    sure = {
        key: [finding for finding in answer if not finding.doubtful]
        for key, answer in answers.items()
        if answer is not CANNOT_TELL
    }
    return {
        key: [
            f"{finding.subject}: {finding.severity.name}" if finding.subject else finding.severity.name
            for finding in findings
        ]
        for key, findings in sure.items()
        if findings
    }


def led(leader: Stat, *, dead: tuple[int, ...] = (), nodes: tuple[int, ...] = (1, 2, 3)) -> Views:
    """The leader's recorded view, those of its followers, and dead hosts."""
    own = leader.raft_status.node_id
    views: dict[int, Stat | ClusterError] = {node: follower(node, leader) for node in nodes if node not in dead}
    return {**views, own: leader, **dict.fromkeys(dead, DEAD)}


def test_killed_follower_becomes_unhealthy_after_a_while() -> None:
    before, at_once, later = (
        recorded(MASTER, "stat_follower_killed", note)
        for note in ("before", "right after kill -9 of follower", "25s after")
    )
    assert found(led(before), led(before)) == {}
    # Its leader still calls it active, replicating, with nothing to catch up: the silent host is all there is to see.
    assert found(led(before), led(at_once, dead=(1,))) == {
        "host_unreachable": ["h1:1: WARNING"],
        "quorum_at_risk": ["WARNING"],
    }
    assert found(led(before), led(at_once, dead=(1,)), led(later, dead=(1,))) == {
        "host_unreachable": ["h1:1: WARNING"],
        "peer_down": ["1: WARNING"],
        "quorum_at_risk": ["CRITICAL"],
    }


def test_a_leader_that_lost_its_followers_and_steps_down() -> None:
    notes = ("before", "right after both followers were killed", "after step down")
    before, lost, down = (recorded(V1, "quorum_lost_leader_survives", note) for note in notes)
    dead = {2: DEAD, 3: DEAD}
    assert found(led(before), {1: lost, **dead}, {1: lost, **dead})["quorum_at_risk"] == ["CRITICAL"]
    assert found(led(before), {1: lost, **dead}, {1: down, **dead}) == {
        "host_unreachable": ["h2:1: WARNING", "h3:1: WARNING"],
        "no_leader": ["CRITICAL"],
    }


def test_follower_of_a_dead_leader_is_not_leaderless_yet() -> None:
    believing, alone = (
        recorded(V1, "quorum_lost_follower_survives", note)
        for note in ("right after leader and other follower killed", "after timeout")
    )
    dead = {1: DEAD, 2: DEAD}
    assert "no_leader" not in found({**dead, 3: believing})
    assert found({**dead, 3: believing}, {**dead, 3: alone})["no_leader"] == ["CRITICAL"]


def test_inactive_new_leader_is_no_lost_peer() -> None:
    fresh = [recorded(V1, "stat_on_new_leader", f"new leader /stat #{n}") for n in (1, 5, 11)]
    assert [peer.active for peer in fresh[0].raft_status.peers if peer.id == 1] == [False]
    assert found(*(led(each) for each in fresh)) == {}


def test_a_killed_leader_and_its_successor() -> None:
    old, new = (
        recorded(V1, "stat_with_disks", "stat_with_disks"),
        recorded(V1, "stat_on_new_leader", "new leader /stat #1"),
    )
    assert found(led(old), led(new))["leader_changed"] == ["WARNING"]


@pytest.mark.parametrize("release", [V1, MASTER])
def test_a_healthy_follower_removed_past_the_bot_goes_on_answering(release: str) -> None:
    leader = recorded(release, "remove_normal_peer", "remove_normal_peer")
    frozen = recorded(release, "remove_normal_peer", "stat on the removed node")
    peers = {peer.id: peer for peer in leader.raft_status.peers}
    three = leader.raft_status.model_copy(update={"peers": (*peers.values(), peers[3].model_copy(update={"id": 2}))})
    whole = leader.model_copy(update={"raft_status": three})
    assert found(led(whole), {**led(leader), 2: frozen}, {**led(leader), 2: frozen}) == {
        "membership_changed": ["WARNING"],
        "stale_host": ["h2:1: WARNING"],
        "quorum_at_risk": ["CRITICAL"],
    }


def test_recorded_loss_of_quorum_by_member_removal_is_found() -> None:
    one_dead, trapped = (
        recorded(V1, "remove_quorum_trap", note) for note in ("follower 1 dead, 8 s", "remove_quorum_trap")
    )
    assert found(led(one_dead, dead=(1,)), led(one_dead, dead=(1,)))["quorum_at_risk"] == ["CRITICAL"]
    now = found(led(one_dead, dead=(1,)), led(trapped, dead=(1,)))
    assert now["membership_changed"] == ["WARNING"]
    assert now["stale_host"] == ["h3:1: WARNING"]
    assert now["quorum_at_risk"] == ["CRITICAL"]


def test_a_voter_that_was_added_and_cannot_be_reached() -> None:
    name = "member_add_normal_unreachable"
    assert found(led(recorded(MASTER, name, name)), led(recorded(MASTER, name, name))) == {
        "peer_down": ["4: WARNING"],
        "quorum_at_risk": ["CRITICAL"],
    }


@pytest.mark.parametrize("release", [V1, MASTER])
def test_a_learner_that_caught_up(release: str) -> None:
    leader = recorded(release, "learner_live", "leader after learner caught up")
    own = recorded(release, "learner_live", "GET /stat on the learner itself")
    views = {**led(leader), 4: own}
    assert found(views, views) == {"learner_ready": ["4: INFO"]}


def test_a_peer_that_comes_back_after_the_quorum_was_lost() -> None:
    leader = recorded(V1, "quorum_restored", "quorum_restored")
    assert found(led(leader, dead=(3,)), led(leader, dead=(3,)))["peer_down"] == ["3: WARNING"]


@pytest.mark.parametrize("release", [V1, MASTER])
def test_a_refused_token_is_no_silent_host(release: str) -> None:
    [refused] = [each for each in exchanges(RECORDED / release / "auth.json") if each.note == "wrong secret"]
    answer = Answer("h1:1", refused.status, refused.answer.encode(), "", refused.took, is_json=refused.is_json)
    with pytest.raises(ClusterError) as raised:
        check_read(answer)
    assert found(dict.fromkeys((1, 2, 3), raised.value)) == {
        "cluster_unreachable": ["CRITICAL"],
        "auth_rejected": ["CRITICAL"],
    }
