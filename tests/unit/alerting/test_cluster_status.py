"""The verdict on a cluster in words."""

from dataclasses import replace

import pytest

from bot.alerting import status_facts
from bot.alerting.cluster_status import ClusterStatus, StatusLevel, cluster_status
from bot.alerting.status_facts import Leader, LedWell, Quorum, StatusFact
from bot.clustermgr.models import HostAnswer, Snapshot
from bot.views.status_text import HEADLINES as WORDED_HEADLINES
from bot.views.status_text import REASONS, listed_reasons, quorum_text, reason_text, status_sentence
from tests.support.watch_builders import TIB, dark, disk, host, polled, stat


def of(**changes: object) -> ClusterStatus:
    return cluster_status(polled(100, **changes), polled(85, **changes))  # type: ignore[arg-type]


LED = " Peer 1 leads in term 5."


def texts(status: ClusterStatus) -> list[str]:
    """The words of all reasons."""
    return [reason_text(fact) for fact in status.reasons]


def test_healthy_cluster_names_leader_and_tolerance() -> None:
    assert of() == ClusterStatus("prod", StatusLevel.HEALTHY, LedWell(1, 5, Quorum(3, 2, 3)), leader=Leader(1, 5))
    assert (
        status_sentence(of()) == "prod is healthy: peer 1 leads in term 5, quorum is 2 of 3, it can lose 1 more voter."
    )


def test_single_snapshot_does_not_degrade_a_cluster() -> None:
    assert cluster_status(polled(100)).level is StatusLevel.HEALTHY


PROBLEM = "prod is degraded: "
RISK = "prod is one failure from losing writes: "
NOT_HEARD = "voter 3 is unhealthy (the leader has not heard from it lately)"
DEGRADED = [
    ({"bad": (disk(7), disk(8, 3))}, f"{PROBLEM}1 disk is broken." + LED, "1 disk is broken"),
    ({"bad": (disk(7), disk(8, 3))}, f"{PROBLEM}1 disk is broken." + LED, "1 disk is being repaired"),
    (
        {"bad": None, "broken": 2},
        f"{PROBLEM}2 disks are broken by the leader's counters." + LED,
        "2 disks are broken by the leader's counters",
    ),
    (
        {"read_only": True},
        f"{PROBLEM}the leader reports read_only (from its configuration)." + LED,
        "the leader reports read_only (from its configuration)",
    ),
    (
        {"writable": TIB // 2},
        f"{PROBLEM}only 5 % of the space is writable." + LED,
        "only 5 % of the space is writable",
    ),
    ({"peers": {3: {"active": False}}}, f"{RISK}{NOT_HEARD}." + LED, NOT_HEARD),
    (
        {"peers": {3: {"match": -5000}}},
        f"{RISK}voter 3 is unhealthy (it is 6,000 entries behind)." + LED,
        "voter 3 is unhealthy (it is 6,000 entries behind)",
    ),
    (
        {"peers": {3: {"active": False}}},
        f"{RISK}{NOT_HEARD}." + LED,
        "2 of 3 voters are proven healthy, and 2 must agree",
    ),
    (
        {"peers": {3: {"is_learner": True, "active": False}}},
        f"{RISK}all of its 2 voters must agree." + LED,
        "learner 3 is down (the leader has not heard from it lately)",
    ),
    (
        {"silent": (3,)},
        f"{RISK}voter 3 is not proven healthy (its own host did not answer in time)." + LED,
        "10.0.0.3:9998 is silent: It did not answer in time",
    ),
    (
        {"members": (1, 2)},
        f"{RISK}all of its 2 voters must agree." + LED,
        "10.0.0.3:9998 answers as peer 3, which is no longer a member: its data is stale",
    ),
]


@pytest.mark.parametrize(("changes", "headline", "reason"), DEGRADED)
def test_degraded_cluster_names_its_reasons(changes: dict[str, object], headline: str, reason: str) -> None:
    evaluation = of(**changes)
    assert evaluation.level is StatusLevel.DEGRADED
    assert status_sentence(evaluation) == headline
    assert reason in texts(evaluation)


def test_lost_quorum_states_its_arithmetic_once() -> None:
    evaluation = of(peers={2: {"paused": True}, 3: {"active": False}})
    assert status_sentence(evaluation) == (
        "prod may be refusing writes: only 1 of 3 voters is proven healthy, and 2 must agree." + LED
    )
    assert evaluation.level is StatusLevel.CRITICAL
    assert listed_reasons(evaluation) == [
        "voter 2 is unhealthy (replication to it is paused)",
        "voter 3 is unhealthy (the leader has not heard from it lately)",
    ]


HEADLINES = [
    ({"bad": (disk(7), disk(8))}, "prod is degraded: 2 disks are broken." + LED, []),
    (
        {"peers": {3: {"active": False}}},
        "prod is one failure from losing writes: voter 3 is unhealthy (the leader has not heard from it lately)." + LED,
        ["2 of 3 voters are proven healthy, and 2 must agree"],
    ),
    (
        {"nodes": (1, 2, 3, 4, 5), "members": (1, 2, 3, 4, 5), "peers": {4: {"paused": True}, 5: {"active": False}}},
        "prod is one failure from losing writes: only 3 of 5 voters are proven healthy, and 3 must agree." + LED,
        [
            "voter 4 is unhealthy (replication to it is paused)",
            "voter 5 is unhealthy (the leader has not heard from it lately)",
        ],
    ),
    (
        {"nodes": (1, 2, 3, 4, 5), "members": (1, 2, 3, 4, 5), "peers": {5: {"active": False}}},
        "prod is degraded: voter 5 is unhealthy (the leader has not heard from it lately)." + LED,
        [],
    ),
    (
        {"nodes": (1, 2), "members": (1, 2)},
        "prod is one failure from losing writes: all of its 2 voters must agree." + LED,
        ["a group of 2 voters cannot lose one: add another voter"],
    ),
    (
        {"nodes": (1, 2), "members": (1, 2), "peers": {2: {"active": False}}},
        "prod may be refusing writes: voter 2 is unhealthy (the leader has not heard from it lately)." + LED,
        ["only 1 of 2 voters is proven healthy, and 2 must agree"],
    ),
    (
        {"nodes": (1, 2), "members": (1,), "silent": (2,)},
        "prod is one failure from losing writes: it has only 1 voter." + LED,
        ["a single voter cannot be lost: add another voter", f"{host(2)} is silent: It did not answer in time"],
    ),
    (
        {"leader": 9},
        "prod is degraded: peer 9, named as leader in term 5, is none of its 3 configured hosts.",
        ["add the service address of peer 9 to `hosts` in the settings"],
    ),
    ({"writable": 0}, "prod is critical: only 0 % of the space is writable." + LED, []),
    (
        {"writable": 0, "peers": {3: {"active": False}}},
        "prod is critical: only 0 % of the space is writable. It is one failure from losing writes." + LED,
        [
            "2 of 3 voters are proven healthy, and 2 must agree",
            "voter 3 is unhealthy (the leader has not heard from it lately)",
        ],
    ),
    (
        {"silent": (1,)},
        "prod is degraded: peer 1, named as leader in term 5, did not answer; 2 of 3 hosts did.",
        ["peer 1 leads in term 5 but did not answer itself", f"{host(1)} is silent: It did not answer in time"],
    ),
    (
        {"leader": 0, "silent": (2, 3)},
        "prod accepts no writes: it has no leader. 1 of 3 hosts answers, and none knows one.",
        [
            "no voter has won an election: a majority of voters must be up and reach each other",
            f"{host(2)} is silent: It did not answer in time",
            f"{host(3)} is silent: It did not answer in time",
        ],
    ),
]


@pytest.mark.parametrize(("changes", "sentence", "listed"), HEADLINES)
def test_headline_names_the_consequence_and_one_cause(
    changes: dict[str, object], sentence: str, listed: list[str]
) -> None:
    evaluation = of(**changes)
    assert status_sentence(evaluation) == sentence
    assert list(listed_reasons(evaluation)) == listed


def test_headline_keeps_the_state_of_an_unproven_quorum() -> None:
    now = polled(100, silent=(2, 3), writable=0)
    assert status_sentence(cluster_status(now, polled(85))) == (
        "prod is critical: only 0 % of the space is writable. It may be refusing writes; the next poll decides." + LED
    )


def test_every_fact_has_words() -> None:
    headlines_only = {status_facts.LedWell, status_facts.AllSilent}
    facts = {
        kind for kind in vars(status_facts).values() if isinstance(kind, type) and issubclass(kind, StatusFact)
    } - {StatusFact}
    assert facts - headlines_only == set(REASONS)
    assert headlines_only <= set(WORDED_HEADLINES) <= facts


def test_host_with_a_different_view_is_named() -> None:
    now = polled(100)
    answers = (*now.answers[:2], HostAnswer(host(3), 0.1, stat(3, 2, 4)))
    assert texts(cluster_status(replace(now, answers=answers)))[-1] == (
        "10.0.0.3:9998 follows peer 2 in term 4: its view differs from the leader's"
    )


def test_silent_leader_differs_from_no_leader() -> None:
    evaluation = of(silent=(1,))
    assert evaluation.level is StatusLevel.DEGRADED
    assert "peer 1, named as leader in term 5, did not answer" in status_sentence(evaluation)


def test_hosts_that_know_no_leader() -> None:
    evaluation = of(leader=0, silent=(2, 3))
    assert evaluation.level is StatusLevel.NO_LEADER
    assert status_sentence(evaluation) == (
        "prod accepts no writes: it has no leader. 1 of 3 hosts answers, and none knows one."
    )


def test_cluster_without_answers_is_unreachable() -> None:
    evaluation = cluster_status(dark(100))
    assert (evaluation.level, status_sentence(evaluation)) == (
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
    assert "10.0.0.1:9998 and 10.0.0.2:9998 each claim to lead in term 5" in status_sentence(evaluation)


def test_several_named_leaders_are_listed_as_peers() -> None:
    answers = (HostAnswer(host(3), 0.1, stat(3, 1)), HostAnswer(host(4), 0.1, stat(4, 2)))
    assert status_sentence(cluster_status(Snapshot("prod", 100, answers))) == (
        "prod is degraded: at one poll in term 5 some hosts name peers 1 and 2 as leader; the next poll decides."
    )


def test_hostile_text_is_on_one_line_and_bounded() -> None:
    evaluation = of(peers={3: {"state": "evil\n<!channel>" * 500}})
    assert all("\n" not in reason and len(reason) < 300 for reason in texts(evaluation))


@pytest.mark.parametrize(
    ("quorum", "words"),
    [
        (Quorum(5, 3, 5), "quorum is 3 of 5, it can lose 2 more voters"),
        (Quorum(3, 2, 2), "quorum is 2 of 3, it can lose none"),
        (Quorum(1, 1, 1), "quorum is 1 of 1, it can lose none"),
    ],
)
def test_quorum_arithmetic_sentence(quorum: Quorum, words: str) -> None:
    assert quorum_text(quorum) == words
