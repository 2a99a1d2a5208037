"""The verdict on a cluster in words."""

from dataclasses import replace

import pytest

from bot.alerting.cluster_status import ClusterStatus, StatusLevel, cluster_status
from bot.alerting.quorum import Quorum
from bot.clustermgr.models import HostAnswer, Snapshot
from tests.support.watch_builders import TIB, dark, disk, host, polled, stat


def of(**changes: object) -> ClusterStatus:
    return cluster_status(polled(100, **changes), polled(85, **changes))  # type: ignore[arg-type]


def test_healthy_cluster_names_leader_and_tolerance() -> None:
    assert of() == ClusterStatus(
        StatusLevel.HEALTHY,
        "prod is healthy: peer 1 leads in term 5, quorum is 2 of 3, it can lose 1 more voter.",
    )


def test_single_snapshot_does_not_degrade_a_cluster() -> None:
    assert cluster_status(polled(100)).level is StatusLevel.HEALTHY


DEGRADED = [
    ({"bad": (disk(7), disk(8, 3))}, "1 disk is broken"),
    ({"bad": (disk(7), disk(8, 3))}, "1 disk is being repaired"),
    ({"bad": None, "broken": 2}, "2 disks are broken by the leader's counters"),
    ({"read_only": True}, "the leader reports read_only (from its configuration)"),
    ({"writable": TIB // 2}, "only 5.0 % of the space is writable"),
    ({"peers": {3: {"active": False}}}, "voter 3 is not healthy: the leader has not heard from it lately"),
    ({"peers": {3: {"match": -5000}}}, "voter 3 is not healthy: it is 6,000 entries behind"),
    ({"peers": {3: {"active": False}}}, "one more failure stops writes: 2 of 3 voters are proven healthy"),
    (
        {"peers": {3: {"is_learner": True, "active": False}}},
        "learner 3 is down: the leader has not heard from it lately",
    ),
    ({"silent": (3,)}, "10.0.0.3:9998 is silent: It did not answer in time"),
    ({"members": (1, 2)}, "10.0.0.3:9998 answers as peer 3, which is no longer a member: its data is stale"),
]


@pytest.mark.parametrize(("changes", "reason"), DEGRADED)
def test_degraded_cluster_names_its_reasons(changes: dict[str, object], reason: str) -> None:
    evaluation = of(**changes)
    assert evaluation.level is StatusLevel.DEGRADED
    assert reason in evaluation.reasons
    assert evaluation.sentence.startswith("prod is degraded: ")


def test_lost_quorum_states_its_arithmetic_once() -> None:
    evaluation = of(peers={2: {"paused": True}, 3: {"active": False}})
    assert evaluation.sentence == (
        "prod is critical: writes may have stopped: quorum is 2 of 3 voters, and only 1 is proven healthy "
        "(and 2 more reasons); "
        "peer 1 leads in term 5."
    )


def test_host_with_a_different_view_is_named() -> None:
    now = polled(100)
    answers = (*now.answers[:2], HostAnswer(host(3), 0.1, stat(3, 2, 4)))
    assert cluster_status(replace(now, answers=answers)).reasons[-1] == (
        "10.0.0.3:9998 follows peer 2 in term 4: its view differs from the leader's"
    )


def test_silent_leader_differs_from_no_leader() -> None:
    evaluation = of(silent=(1,))
    assert evaluation.level is StatusLevel.DEGRADED
    assert "peer 1, which leads by what they say, did not" in evaluation.sentence


def test_hosts_that_know_no_leader() -> None:
    evaluation = of(leader=0, silent=(2, 3))
    assert evaluation.level is StatusLevel.NO_LEADER
    assert evaluation.sentence == (
        "prod has no leader: 1 of 3 hosts answers and none knows one, so nothing can be written."
    )


def test_cluster_without_answers_is_unreachable() -> None:
    evaluation = cluster_status(dark(100))
    assert (evaluation.level, evaluation.sentence) == (
        StatusLevel.UNREACHABLE,
        "prod is unreachable: none of its 3 hosts answered.",
    )
    assert len(evaluation.reasons) == 3


def test_two_leaders_of_one_term_are_a_contradiction() -> None:
    answers = (HostAnswer(host(1), 0.1, stat(1, 1)), HostAnswer(host(2), 0.1, stat(2, 2)))
    once = cluster_status(Snapshot("prod", 100, answers), polled(85))
    assert (once.level, once.unsure) == (StatusLevel.DEGRADED, True)
    evaluation = cluster_status(Snapshot("prod", 100, answers), Snapshot("prod", 85, answers))
    assert evaluation.level is StatusLevel.CONTRADICTION
    assert "10.0.0.1:9998 and 10.0.0.2:9998 each claim to lead in term 5" in evaluation.sentence


def test_hostile_text_is_on_one_line_and_bounded() -> None:
    evaluation = of(peers={3: {"state": "evil\n<!channel>" * 500}})
    assert all("\n" not in reason and len(reason) < 300 for reason in evaluation.reasons)


@pytest.mark.parametrize(
    ("quorum", "words"),
    [
        (Quorum(5, 3, 5), "quorum is 3 of 5, it can lose 2 more voters"),
        (Quorum(3, 2, 2), "quorum is 2 of 3, it can lose none"),
        (Quorum(1, 1, 1), "quorum is 1 of 1, it can lose none"),
    ],
)
def test_quorum_arithmetic_sentence(quorum: Quorum, words: str) -> None:
    assert quorum.words == words
