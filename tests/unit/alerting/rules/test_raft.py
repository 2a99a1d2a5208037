"""The rules about leadership, replication and views that differ: what they say, and when they hold their tongue."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.alerting.model import Severity, TransferLeader
from bot.alerting.rules.base import CANNOT_TELL, RuleContext
from bot.clustermgr.models import Snapshot
from tests.support.alert_words import lines
from tests.support.raft_snapshots import after, ask, grades, having, resolution, said
from tests.support.watch_builders import dark, host, polled

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
Peers = dict[int, dict[str, Any]]
FOUR = (1, 2, 3, 4)
LEARNER: Peers = {4: {"is_learner": True}}


def behind(entries: int, peer: int = 3, **more: Any) -> dict[str, Any]:
    """How `polled` makes the leader see a peer that is so many entries behind (its commit is 1,000,000)."""
    return {"peers": {peer: {"match": 1_000_000 - entries, **more}}}


def led(at: float, **stats: Any) -> Snapshot:
    """A look at which the leader, peer 1, has committed 1,000,000 entries and every other peer confirmed them."""
    members = stats.get("members", (1, 2, 3))
    peers = {member: {"match": 1_000_000, **stats.get("peers", {}).get(member, {})} for member in members}
    return having(polled(at, **{**stats, "peers": peers}), 1, commit=1_000_000)


@dataclass(frozen=True)
class Case:
    """Looks one after the other, and what the rule says of the last: sentences by subject, None: it cannot tell."""

    rule: str
    answers: tuple[Snapshot, ...]
    says: dict[str, str] | None
    severity: Severity = WARNING
    values: dict[str, float] = field(default_factory=dict)


def flapping(times: int, *, apart: float = 60, start: float = 100) -> tuple[Snapshot, ...]:
    return tuple(polled(start + apart * n, leader=1 + n % 2, term=5 + n) for n in range(times + 1))


def quiet(until: float, *answers: Snapshot) -> tuple[Snapshot, ...]:
    """The same leader leads on until then."""
    last = answers[-1]
    assert last.leader is not None
    raft = last.leader[1].raft_status
    return (*answers, polled(until, leader=raft.node_id, term=raft.term))


def twice(snapshot: Snapshot) -> tuple[Snapshot, Snapshot]:
    return replace(snapshot, at=snapshot.at - 15), snapshot


KEEPS_MOVING = "Writes to prod stop again and again: its leader changed "
EACH_TIME = ", between peers 1 and 2."
THIRD = "Voter 3 (`10.0.0.3:10110`) of prod is "
STALLED = " does not apply its log: it stays at entry #990 while more is committed."
BLIND = (
    "cmbot sees no peers, disks or space of prod: only the leader reports them, and its peer "
    "4 (`10.0.0.4:9998`) is not among the configured hosts."
)
CASES = [
    Case("leader_flapping", (polled(100),), {}),
    Case("leader_flapping", (dark(100),), None),
    Case("leader_flapping", flapping(2), {}),
    Case("leader_flapping", flapping(3), {"": KEEPS_MOVING + "3 times in 2 min" + EACH_TIME}),
    Case("leader_flapping", flapping(3, apart=400), {}),
    Case("leader_flapping", flapping(6), {"": KEEPS_MOVING + "6 times in 5 min" + EACH_TIME}, CRITICAL),
    Case("leader_flapping", quiet(800, *flapping(3)), {"": KEEPS_MOVING + "3 times in 2 min" + EACH_TIME}),
    Case("leader_flapping", quiet(900, *flapping(3)), {}),
    Case("leader_flapping", flapping(90), {"": KEEPS_MOVING + "at least 20 times in 19 min" + EACH_TIME}, CRITICAL),
    Case("peer_lagging", (led(100),), {}),
    Case("peer_lagging", (polled(100, leader=0),), None),
    Case("peer_lagging", (led(100, **behind(1000)),), {}),
    Case("peer_lagging", (led(100, **behind(1001)),), {"3": THIRD + "more than 1,000 entries behind."}),
    Case("peer_lagging", (led(100, **behind(54321)),), {"3": THIRD + "more than 10,000 entries behind."}),
    Case("peer_lagging", (led(100, **behind(300)),), {}, values={"entries": 500}),
    Case(
        "peer_lagging",
        (led(100, **behind(300)), led(115, **behind(400))),
        {"3": THIRD + "more than 100 entries behind and falling further behind."},
    ),
    Case("peer_lagging", (led(100, **behind(300)), led(115, **behind(300))), {}),
    Case("peer_lagging", (led(100, **behind(5)), led(115, **behind(90))), {}),
    Case("peer_lagging", (led(100, **behind(5000, active=False)),), {}),
    Case("peer_lagging", (led(100, **behind(5000, state="StateProbe")),), {}),
    Case(
        "peer_lagging",
        (led(100, **behind(5000, state="StateSnapshot", pending_snapshot=7, paused=True)),),
        {"3": THIRD + "more than 1,000 entries behind; it receives a snapshot now."},
    ),
    Case("peer_lagging", (led(100), led(115, members=FOUR, **behind(5000, 4))), {}),
    Case(
        "peer_lagging",
        (led(100), led(115, members=FOUR), led(3000, members=FOUR, **behind(5000, 4))),
        {"4": "Voter 4 (`10.0.0.4:10110`) of prod is more than 1,000 entries behind."},
    ),
    Case("peer_lagging", (led(100, members=FOUR, **behind(5000, 4, is_learner=True, pending_snapshot=7)),), {}),
    Case(
        "peer_lagging",
        (led(100, members=FOUR, **behind(5000, 4, is_learner=True)),),
        {"4": "Learner 4 (`10.0.0.4:10110`) of prod is more than 1,000 entries behind."},
        INFO,
    ),
    Case("apply_stalled", (polled(100),), {}),
    Case("apply_stalled", (dark(100),), None),
    Case("apply_stalled", (having(polled(100), 2, applied=990),), {}),
    Case("apply_stalled", (having(polled(100), 2, applied=990), having(polled(115), 2, applied=990)), {}),
    Case(
        "apply_stalled",
        (having(polled(100), 2, applied=990), having(polled(115), 2, applied=990, commit=1005)),
        {host(2): f"Peer 2 (`{host(2)}`) of prod{STALLED}"},
    ),
    Case(
        "apply_stalled",
        (having(polled(100), 2, applied=990), having(polled(115), 2, applied=991, commit=1005)),
        {},
    ),
    Case(
        "apply_stalled",
        (having(polled(100), 2, applied=1000), having(polled(115), 2, applied=1005, commit=1005)),
        {},
    ),
    Case(
        "apply_stalled",
        (
            having(polled(100), 2, applied=990),
            polled(115, silent=(2,)),
            having(polled(130), 2, applied=990, commit=1005),
        ),
        {host(2): f"Peer 2 (`{host(2)}`) of prod{STALLED}"},
    ),
    Case(
        "apply_stalled",
        (having(polled(100), 1, applied=990), having(polled(115), 1, applied=990, commit=1005)),
        {host(1): f"Changes have stopped. Peer 1 (`{host(1)}`) of prod, the leader,{STALLED}"},
        CRITICAL,
    ),
    Case("learner_ready", twice(polled(115)), {}),
    Case("learner_ready", (polled(115, members=FOUR, peers=LEARNER),), None),
    Case(
        "learner_ready",
        twice(polled(115, members=FOUR, nodes=FOUR, peers=LEARNER)),
        {"4": "Learner 4 of prod has caught up and can become a voter."},
        INFO,
    ),
    Case("learner_ready", twice(polled(115, members=FOUR, peers={4: {"is_learner": True, "active": False}})), {}),
    Case("hosts_disagree", (polled(100),), {}),
    Case("hosts_disagree", (dark(100),), None),
    Case("hosts_disagree", (polled(100, leader=0),), {}),
    Case("hosts_disagree", (having(polled(100), 2, leader=0, term=6),), {}),
    Case(
        "hosts_disagree",
        (having(polled(100), 2, leader=2, term=5),),
        {"": f"The hosts of prod contradict each other: `{host(1)}` and `{host(2)}` each claim to lead."},
        CRITICAL,
    ),
    Case(
        "hosts_disagree",
        (having(polled(100), 2, leader=2, term=9),),
        {"": f"The hosts of prod contradict each other: `{host(1)}` and `{host(2)}` each claim to lead."},
        CRITICAL,
    ),
    Case(
        "hosts_disagree",
        (having(polled(100), 3, leader=2),),
        {"": "The hosts of prod contradict each other: they name in one term peer 1 and peer 2 as leader."},
        CRITICAL,
    ),
    Case(
        "hosts_disagree",
        (having(polled(100), 3, node_id=2),),
        {"": f"The hosts of prod contradict each other: `{host(2)}` and `{host(3)}` each answer as peer 2."},
    ),
    Case("stale_host", (polled(100),), {}),
    Case("stale_host", (polled(100, silent=(1,)),), None),
    Case("stale_host", (polled(100, silent=(3,), members=(1, 2)),), {}),
    Case(
        "stale_host",
        (polled(100, members=(1, 2)),),
        {
            host(3): f"Host `{host(3)}` of prod answers as peer 3, which is not a member. "
            "Its data is stale, but it still forwards writes to the leader."
        },
    ),
    Case("stale_host", (polled(100, members=()),), None),
    Case("leader_unseen", (polled(100),), {}),
    Case("leader_unseen", (polled(100, leader=0),), None),
    Case("leader_unseen", (dark(100),), None),
    Case("leader_unseen", (polled(100), polled(115, silent=(1,))), None),
    Case("leader_unseen", (polled(100, leader=4, silent=(3,)),), None),
    Case(
        "leader_unseen",
        (polled(100, leader=4),),
        {"": BLIND},
    ),
    Case(
        "leader_unseen",
        (polled(100), polled(115, leader=4, silent=(3,))),
        {"": BLIND},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.says}"[:70])
def test_rule_finding_for_each_snapshot(case: Case) -> None:
    answer = ask(case.rule, after(*case.answers), **case.values)
    assert said(answer) == case.says
    assert grades(answer) <= {case.severity}


def test_change_by_an_operation_is_no_flapping() -> None:
    view = after(*flapping(3))
    meant = tuple(replace(change, op=12) for change in view.state.changes)
    assert ask("leader_flapping", replace(view, state=replace(view.state, changes=meant))) == ()


@pytest.mark.parametrize(("times", "weight"), [(3, 1), (5, 1), (6, 2), (11, 2), (12, 3), (19, 3)])
def test_flapping_is_announced_again_when_changes_double(times: int, weight: int) -> None:
    answer = ask("leader_flapping", after(*flapping(times)))
    assert answer is not CANNOT_TELL
    assert [finding.weight for finding in answer] == [weight]


def test_stalled_leader_proposes_a_transfer() -> None:
    view = after(having(polled(100), 1, applied=990), having(polled(115), 1, applied=990, commit=1005))
    answer = ask("apply_stalled", view)
    assert answer is not CANNOT_TELL
    assert answer[0].fix == TransferLeader(2)
    both = having(having(polled(100), 1, applied=990), 2, applied=980)
    later = having(having(polled(115), 1, applied=990, commit=1005), 2, applied=980, commit=1005)
    answer = ask("apply_stalled", after(both, later))
    assert answer is not CANNOT_TELL
    assert answer[0].fix == TransferLeader(3)
    assert answer[1].fix is None


def test_stalled_leader_without_healthy_target_has_no_fix() -> None:
    answers = [polled(at, silent=(2, 3)) for at in (100, 115)]
    view = after(having(answers[0], 1, applied=990), having(answers[1], 1, applied=990, commit=1005))
    answer = ask("apply_stalled", view)
    assert answer is not CANNOT_TELL
    assert answer[0].fix is None


def test_release_with_one_applied_index_uses_it() -> None:
    early = having(polled(100), 2, applied=0, raft_applied=990)
    assert ask("apply_stalled", after(early, having(polled(115), 2, applied=0, raft_applied=990, commit=1005))) != ()
    assert ask("apply_stalled", after(early, having(polled(115), 2, applied=0, raft_applied=1005, commit=1005))) == ()


def test_ready_learner_names_the_next_step() -> None:
    answer = ask("learner_ready", after(*twice(polled(115, members=FOUR, nodes=FOUR, peers=LEARNER))))
    assert answer is not CANNOT_TELL
    assert lines(answer[0]) == (
        "first: `/cm member remove 4 prod`",
        "then: `/cm member add 4 10.0.0.4:10110 node=10.0.0.4:9998 as=normal prod`",
    )


CALM = after(polled(100), polled(115))
RESOLUTIONS = [
    ("leader_flapping", "", CALM, "The leader of prod has not changed again: peer 1 has led for 15 s."),
    ("peer_lagging", "3", CALM, "Peer 3 of prod keeps up with its leader again."),
    ("peer_lagging", "9", CALM, "Peer 9 is no longer a member of prod."),
    (
        "peer_lagging",
        "3",
        after(polled(100, peers={3: {"active": False}})),
        "Peer 3 of prod no longer lags: it is down.",
    ),
    ("apply_stalled", host(2), CALM, f"Host `{host(2)}` of prod applies its log again."),
    (
        "apply_stalled",
        "h:1",
        CALM,
        "Host `h:1` is no longer configured for prod.",
    ),
    ("learner_ready", "3", CALM, "Peer 3 of prod is a voter now."),
    ("learner_ready", "4", CALM, "Learner 4 is no longer a member of prod."),
    (
        "learner_ready",
        "4",
        after(polled(100, members=FOUR, peers=LEARNER)),
        "Learner 4 of prod is no longer proven to keep up.",
    ),
    ("hosts_disagree", "", CALM, "The hosts of prod agree again."),
    ("stale_host", host(3), CALM, f"Host `{host(3)}` of prod answers as peer 3, which is a member."),
    ("stale_host", "h:1", CALM, "Host `h:1` is no longer configured for prod."),
    (
        "stale_host",
        host(3),
        after(polled(100, silent=(3,))),
        (
            f"Host `{host(3)}` of prod no longer answers, "
            "so its stale data misleads no reader: remove it from the settings."
        ),
    ),
    ("leader_unseen", "", CALM, "The leader of prod answers cmbot again: peer 1."),
]


@pytest.mark.parametrize(("rule", "subject", "view", "words"), RESOLUTIONS)
def test_resolution_names_the_outcome(rule: str, subject: str, view: RuleContext, words: str) -> None:
    assert resolution(rule, subject, view) == words
