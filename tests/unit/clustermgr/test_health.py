"""Who counts as a healthy voter: the recorded exchanges, and each part of the definition alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.clustermgr.health import healthy_count, lag, learner_health, quorum, voter_health, voters
from bot.clustermgr.models import HostAnswer, Snapshot, Stat
from bot.common.errors import ClusterTimeout, ClusterUnreachable
from bot.views.voter_text import condition, voter_fault_text
from tests.docgen import cluster_fixture as s
from tests.docgen.cluster_fixture import Scene

RECORDED = Path(__file__).parents[2] / "contract" / "recorded"


def recorded(file: str, note: str) -> Stat:
    """The answer to GET /stat with that note in a recorded file."""
    exchanges = json.loads((RECORDED / file).read_text(encoding="utf-8"))
    bodies = [
        x["response"]["body"] for x in exchanges if x["request"]["target"] == "/stat" and x["note"].startswith(note)
    ]
    return Stat.model_validate_json(bodies[0])


def follower(leader: Stat, peer: int) -> Stat:
    """What a follower of that leader answers for itself."""
    status = leader.raft_status.model_copy(update={"node_id": peer, "peers": (), "raft_state": "StateFollower"})
    return leader.model_copy(update={"raft_status": status})


def polled(at: float, *stats: Stat, silent: tuple[str, ...] = ()) -> Snapshot:
    """One look at these answers and silent hosts."""
    answered = [HostAnswer(f"cm{stat.raft_status.node_id}:9998", 0.01, stat=stat) for stat in stats]
    lost = [HostAnswer(host, 5.0, error=ClusterTimeout("no answer")) for host in silent]
    return Snapshot("prod", at, (*answered, *lost))


def healthy(before: Snapshot | None, now: Snapshot) -> set[int]:
    """The ids of the voters proven healthy."""
    return {peer for peer, health in voter_health(before, now).items() if health.healthy}


KILLED = "master-2025-12/stat_follower_killed.json"


def test_all_of_a_recorded_sound_cluster_are_healthy() -> None:
    leader = recorded(KILLED, "before")
    everyone = (leader, follower(leader, 1), follower(leader, 3))
    assert healthy(polled(0, *everyone), polled(15, *everyone)) == {1, 2, 3}


def test_just_killed_follower_shown_as_active_is_unhealthy() -> None:
    before, after = recorded(KILLED, "before"), recorded(KILLED, "right after kill")
    dead = next(peer for peer in voters(after) if peer.id == 1)
    assert dead.active
    assert lag(after, dead) == 0
    now = polled(15, after, follower(after, 3), silent=("cm1:9998",))
    assert healthy(polled(0, before, follower(before, 1), follower(before, 3)), now) == {2, 3}


def test_dead_follower_shown_as_replicating_is_unhealthy() -> None:
    leader = recorded(KILLED, "25s after")
    answers = [polled(at, leader, follower(leader, 3), silent=("cm1:9998",)) for at in (0, 15)]
    assert voter_fault_text(voter_health(*answers)[1].fault) == "the leader has not heard from it lately"
    assert healthy(*answers) == {2, 3}


def test_recorded_dead_follower_with_lag_zero_is_unhealthy() -> None:
    leader = recorded("v1-2022-03/remove_quorum_trap.json", "follower 1 dead")
    dead = next(peer for peer in voters(leader) if peer.id == 1)
    assert (dead.state, lag(leader, dead)) == ("StateReplicate", 0)
    assert healthy(polled(0, leader), polled(15, leader)) == {2, 3}


def test_a_voter_added_while_unreachable_is_unhealthy() -> None:
    leader = recorded("master-2025-12/member_add_normal_unreachable.json", "member_add_normal_unreachable")
    health = voter_health(polled(0, leader), polled(15, leader))
    assert voter_fault_text(health[4].fault) == "the leader only probes it, because its progress is unknown"
    assert healthy_count(health) == 3


def test_inactive_new_leader_is_healthy_at_first() -> None:
    leader = recorded("v1-2022-03/stat_on_new_leader.json", "new leader /stat #1")
    assert not next(peer.active for peer in voters(leader) if peer.id == 1)
    assert healthy(None, polled(0, leader)) == {1}


def test_no_voter_is_proven_after_leader_stepped_down() -> None:
    stat = recorded("master-2025-12/quorum_lost_leader_survives.json", "after step down")
    assert voter_health(polled(0, stat), polled(15, stat)) == {}
    assert learner_health(polled(0, stat), polled(15, stat)) == {}


def test_recorded_caught_up_learner_is_healthy_and_no_voter() -> None:
    leader = recorded("master-2025-12/learner_live.json", "leader after learner caught up")
    answers = [polled(at, leader, follower(leader, 4)) for at in (0, 15)]
    assert learner_health(*answers)[4].healthy
    assert 4 not in voter_health(*answers)


@pytest.mark.parametrize(
    ("scene", "why"),
    [
        (Scene(peers={3: s.PAUSED}), "replication to it is paused"),
        (Scene(peers={3: {"pending_snapshot": 8}}), "a snapshot is on its way to it"),
        (Scene(peers={3: {"match": s.COMMIT - 1_001}}), "it is 1,001 entries behind"),
        (Scene(peers={3: s.PROBING}), "the leader only probes it, because its progress is unknown"),
        (Scene(peers={3: {**s.PROBING, "active": False}}), "down: the leader does not hear from it"),
        (Scene(earlier=None), "polled only once under this leader and term"),
        (Scene(earlier={"term": 6}), "polled only once under this leader and term"),
        (Scene(earlier={"leader": 2}), "polled only once under this leader and term"),
        (Scene(earlier={"peers": {3: s.PAUSED}}), "in the previous poll: replication to it is paused"),
        (Scene(earlier={"voters": (1, 2), "learners": (3,)}), "was not a voter in the previous poll"),
        (Scene(views={3: (2, 6)}), "its own host names another leader or term"),
        (Scene(earlier={"views": {3: (0, 7)}}), "its own host names another leader or term"),
        (Scene(only_now_silent=frozenset({3})), "its own host missed one of two polls: it did not answer in time"),
        (Scene(earlier={"silent": frozenset({3})}), "its own host missed one of two polls: it did not answer in time"),
        (Scene(only_now_silent=frozenset({3}), extra={"x:1": (3, 1, 7)}), "two hosts answer as this peer"),
        (Scene(silent=frozenset({3})), "its own host did not answer in time"),
        (Scene(unlisted=frozenset({3}), silent=frozenset({2})), "its own host does not answer or is not configured"),
    ],
)
def test_each_part_of_the_definition_is_needed(scene: Scene, why: str) -> None:
    health = voter_health(*scene.snapshots())[3]
    assert not health.healthy
    assert voter_fault_text(health.fault) == why


def refusing(snapshot: Snapshot | None) -> Snapshot:
    """The snapshot, where silent hosts accept no connection."""
    assert snapshot is not None
    error = ClusterUnreachable("refuses connections")
    return replace(snapshot, answers=tuple(replace(a, error=error) if a.error else a for a in snapshot.answers))


def test_refusing_host_of_a_replicating_voter_is_named() -> None:
    before, now = Scene(silent=frozenset({3})).snapshots()
    fault = voter_health(refusing(before), refusing(now))[3].fault
    assert (condition(fault), voter_fault_text(fault)) == ("not proven healthy", "its own host accepts no connection")
    before, now = Scene(only_now_silent=frozenset({3})).snapshots()
    once = voter_fault_text(voter_health(before, refusing(now))[3].fault)
    assert once == "its own host missed one of two polls: it accepted no connection"


def test_error_of_a_shared_machine_is_given_to_no_voter() -> None:
    def moved(snapshot: Snapshot | None) -> Snapshot:
        assert snapshot is not None
        answers = tuple(replace(a, host=f"cm3:{n}") for n, a in enumerate(snapshot.answers))
        return replace(snapshot, answers=answers)

    before, now = Scene(silent=frozenset({2, 3})).snapshots()
    fault = voter_health(moved(before), moved(now))[3].fault
    assert voter_fault_text(fault) == "its own host does not answer or is not configured"


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (Scene(peers={3: s.PAUSED}), "unhealthy"),
        (Scene(views={3: (2, 6)}), "unhealthy"),
        (Scene(only_now_silent=frozenset({3}), extra={"x:1": (3, 1, 7)}), "unhealthy"),
        (Scene(only_now_silent=frozenset({3})), "not proven healthy"),
        (Scene(earlier=None), "not proven healthy"),
        (Scene(earlier={"peers": {3: s.PAUSED}}), "not proven healthy"),
    ],
)
def test_only_a_fault_that_shows_now_makes_unhealthy(scene: Scene, words: str) -> None:
    assert condition(voter_health(*scene.snapshots())[3].fault) == words


def test_exactly_1000_entries_behind_is_still_healthy() -> None:
    assert healthy(*Scene(peers={3: {"match": s.COMMIT - 1_000}}).snapshots()) == {1, 2, 3}


def test_two_polls_closer_than_three_seconds_prove_only_the_leader() -> None:
    before, now = Scene().snapshots()
    assert before is not None
    assert healthy(replace(before, at=now.at - 2.9), now) == {1}
    assert healthy(replace(before, at=now.at - 3.0), now) == {1, 2, 3}


def test_voter_without_configured_host_is_healthy_by_the_leader() -> None:
    health = voter_health(*Scene(unlisted=frozenset({3})).snapshots())[3]
    assert health.healthy
    assert not health.confirmed


def test_silent_host_is_not_matched_to_another_voter() -> None:
    scene = Scene(unlisted=frozenset({3}), only_now_silent=frozenset({2}))
    assert healthy(*scene.snapshots()) == {1, 3}


@pytest.mark.parametrize(("number", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_a_quorum_is_a_majority(number: int, needed: int) -> None:
    assert quorum(number) == needed
