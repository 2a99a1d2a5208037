"""Over random raft states: nothing that the preflight lets through leaves fewer healthy voters than a quorum."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.clustermgr.models import HostAnswer, RaftStatus, Snapshot
from bot.common.errors import ClusterTimeout
from bot.operations.codec import decode_verdict, encode_verdict
from bot.operations.model import OpState
from bot.operations.preflight.check import (
    CheckLevel,
    OpenOperation,
    PreflightContext,
    SwitchReading,
    changes_a_check,
    preflight,
)
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, OpKind, Request, TaskSwitch
from bot.views.preflight_text.changes import difference
from bot.views.preflight_text.table import check_text
from tests.docgen import cluster_fixture as s
from tests.docgen.cluster_fixture import Scene
from tests.support.any_fact import BLOCKING
from tests.support.budget import examples

# Most random states are refused, rightly: those are thrown away where a property speaks of what is let through.
STEADY = settings(
    deadline=None,
    max_examples=examples(200),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

IDS = st.integers(1, 8)
FLAGS: st.SearchStrategy[Mapping[str, Any]] = st.one_of(
    st.sampled_from(
        [
            s.DOWN,
            s.DOWN_LAG_0,
            s.DOWN_BEFORE_ELECTION,
            s.NEW_UNREACHABLE,
            s.SNAPSHOTTING,
            s.LAGGING,
            s.PAUSED,
            s.PROBING,
        ]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "state": st.sampled_from(["StateReplicate", "StateProbe", "StateSnapshot", "", "<!channel>"]),
            "match": st.integers(0, s.COMMIT + 10),
            "active": st.booleans(),
            "paused": st.booleans(),
            "pending_snapshot": st.sampled_from([0, 0, 17]),
        },
    ),
)
SOME = st.frozensets(IDS, max_size=3)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """A cluster of 1 to 7 voters and up to 2 learners, with one kind of fault or with all of them."""
    ids = draw(st.permutations(range(1, 9)))
    size = draw(st.integers(1, 7))
    voters, learners = tuple(ids[:size]), tuple(ids[size : size + draw(st.sampled_from((0, 0, 1, 2)))])
    fault = draw(st.sampled_from(("none", "peers", "peers", "hosts", "answers", "all")))
    peers = fault in {"peers", "all"}
    leader = 0 if fault == "all" and draw(st.booleans()) else voters[0]
    flagged = draw(st.lists(st.sampled_from((*voters, *learners)), max_size=3, unique=True)) if peers else []
    scene = Scene(voters=voters, learners=learners, leader=leader, peers={peer: draw(FLAGS) for peer in flagged})
    if fault in {"hosts", "all"}:
        scene = replace(scene, silent=draw(SOME) - {leader}, only_now_silent=draw(SOME), unlisted=draw(SOME))
    if fault in {"answers", "all"}:
        scene = replace(scene, **draw(odd_answers(voters, leader)))
    return scene


@st.composite
def odd_answers(draw: st.DrawFn, voters: tuple[int, ...], leader: int) -> dict[str, Any]:
    """Hosts that see it otherwise, hosts that are no members, a transfer under way, another look before."""
    view = st.tuples(st.sampled_from((leader, leader, 0, 2)), st.integers(6, 8))
    earlier: Mapping[str, Any] | None = draw(
        st.one_of(
            st.just({}),
            st.none(),
            st.fixed_dictionaries({"term": st.integers(6, 7)}),
            st.fixed_dictionaries({"peers": st.dictionaries(IDS, FLAGS, max_size=2)}),
            st.fixed_dictionaries({"silent": SOME}),
            st.just({"voters": voters[:-1] or voters}),
        )
    )
    return {
        "earlier": earlier,
        "views": draw(st.dictionaries(IDS, view, max_size=1)),
        "extra": draw(st.one_of(st.just({}), st.just({"x:1": (draw(IDS), leader, draw(st.integers(5, 8)))}))),
        "transferee": draw(st.sampled_from([0, 0, 0, 2])),
    }


@st.composite
def requests(draw: st.DrawFn, kinds: tuple[str, ...] = ("add", "remove", "transfer", "task")) -> Request:
    """Any request, aimed at peers that exist and at some that do not."""
    kind = draw(st.sampled_from(kinds))
    peer = draw(st.sampled_from((9, 9, 10, 1, 2))) if kind == "add" else draw(st.integers(1, 9))
    if kind == "add":
        of = draw(st.sampled_from((peer, peer, peer, 3)))
        return MemberAdd(peer, s.raft_name(of), s.host_name(of), learner=draw(st.booleans()))
    if kind == "remove":
        return MemberRemove(peer)
    if kind == "transfer":
        return LeaderTransfer(peer)
    return TaskSwitch(
        draw(st.sampled_from(("balance", "disk_repair", "blob_delete", "odd_one"))), on=draw(st.booleans())
    )


OPERATIONS = st.builds(
    OpenOperation, st.just(5), st.sampled_from(OpKind), st.sampled_from(OpState), st.sampled_from(("", "balance"))
)
FACTS = st.builds(
    PreflightContext,
    operations=st.sampled_from((False, False, True)).flatmap(lambda busy: st.tuples(*[OPERATIONS] * busy)),
    node_answers=st.sampled_from([True, True, None, False]),
    dialect=st.sampled_from([None, "v1", "v3"]),
    switch=st.sampled_from(
        [None, SwitchReading("true", "on"), SwitchReading(None, "unset"), SwitchReading("x", "meaningless")]
    ),
)


def proven(before: Snapshot | None, now: Snapshot) -> set[int]:
    """The healthy voters, by the definition in the manual, written down once more."""
    if now.leader is None:
        return set()
    leader = now.leader[1].raft_status
    leader_and_term = (leader.leader, leader.term)
    found = {leader.leader}
    if before is None or before.leader is None or now.at - before.at < 3:
        return found
    earlier = before.leader[1].raft_status
    if (earlier.leader, earlier.term) != leader_and_term:
        return found
    for peer in leader.peers:
        if peer.is_learner or not all(_sound(peer.id, status) for status in (leader, earlier)):
            continue
        own = [_given(answer, peer.id) for answer in (before, now)]
        hidden = own == [[], []] and all(_whose(before, now, answer.host) for answer in now.answers)
        if hidden or (own[0] == own[1] and [view[1:] for view in own[1]] == [leader_and_term]):
            found.add(peer.id)
    return found


def _sound(peer: int, status: RaftStatus) -> bool:
    return any(
        p.id == peer
        and not p.is_learner
        and p.state == "StateReplicate"
        and p.active
        and not p.paused
        and p.pending_snapshot == 0
        and status.commit - p.match <= 1000
        for p in status.peers
    )


def _given(answer: Snapshot, peer: int) -> list[tuple[str, int, int]]:
    return [
        (host, stat.raft_status.leader, stat.raft_status.term)
        for host, stat in answer.answered
        if stat.raft_status.node_id == peer
    ]


def _whose(before: Snapshot, now: Snapshot, host: str) -> bool:
    """True if that host gave its node id in one of the polls."""
    return any(name == host for answer in (before, now) for name, _ in answer.answered)


def resulting(request: Request, now: Snapshot) -> set[int]:
    """The voters once the request took effect."""
    assert now.leader is not None
    voters = {peer.id for peer in now.leader[1].raft_status.peers if not peer.is_learner}
    if isinstance(request, MemberAdd) and not request.learner:
        return voters | {request.peer_id}
    return voters - {request.peer_id} if isinstance(request, MemberRemove) else voters


CHANGES = requests(("add", "remove", "transfer"))


@STEADY
@given(scenes(), CHANGES, FACTS)
def test_allowed_change_leaves_a_healthy_quorum(scene: Scene, request: Request, facts: PreflightContext) -> None:
    before, now = scene.snapshots()
    verdict = preflight(request, before, now, facts=facts)
    assume(not verdict.forced().blocked)
    after = resulting(request, now)
    assert len(proven(before, now) & after) >= len(after) // 2 + 1


@STEADY
@given(scenes(), requests(), FACTS)
def test_block_names_a_next_step_and_survives_json(scene: Scene, request: Request, facts: PreflightContext) -> None:
    verdict = preflight(request, *scene.snapshots(), facts=facts)
    assert all(check_text(check).next_step for check in verdict.of_level(CheckLevel.BLOCK))
    assert {type(check.fact) for check in verdict.of_level(CheckLevel.BLOCK)} <= BLOCKING
    keys = [check.key for check in verdict.checks]
    assert len(keys) == len(set(keys))
    kept = decode_verdict(encode_verdict(verdict, check_text))
    assert kept == verdict
    assert not changes_a_check(kept, verdict)
    assert difference(kept.fingerprint, verdict.fingerprint) == ()


@STEADY
@given(scenes(), FACTS)
def test_the_leader_is_never_removed_not_even_by_force(scene: Scene, facts: PreflightContext) -> None:
    assume(scene.leader)
    assert preflight(MemberRemove(scene.leader), *scene.snapshots(), facts=facts).forced().blocked


@STEADY
@given(scenes(), FLAGS)
def test_unhealthy_state_of_a_voter_never_blocks_its_removal(scene: Scene, flags: s.Flags) -> None:
    peer = scene.voters[-1]
    allowed = preflight(MemberRemove(peer), *scene.snapshots())
    waits = allowed.check("catching_up")
    # While another voter catches up, only voters that are behind may be removed.
    assume(not allowed.blocked and waits is not None and waits.level is CheckLevel.PASS)
    worse = replace(scene, peers={**scene.peers, peer: {**scene.peers.get(peer, {}), **flags}})
    blocks = preflight(MemberRemove(peer), *worse.snapshots()).of_level(CheckLevel.BLOCK)
    # Where its vote is missing for the removal itself, that is what blocks it, and break-glass lifts it.
    assert {(check.key, check.forceable) for check in blocks} <= {("commit", True)}
    assert not blocks or active(worse.snapshots()[1]) < len(scene.voters) // 2 + 1


def active(now: Snapshot) -> int:
    """The voters that the leader counts as active, itself included, written down once more."""
    assert now.leader is not None
    leader = now.leader[1].raft_status
    return sum(not peer.is_learner and (peer.active or peer.id == leader.leader) for peer in leader.peers)


@STEADY
@given(scenes(), FACTS)
def test_removal_without_active_quorum_passes_only_after_an_election(scene: Scene, facts: PreflightContext) -> None:
    assume(scene.leader)
    before, now = scene.snapshots()
    for peer in scene.voters:
        verdict = preflight(MemberRemove(peer), before, now, facts=facts)
        if verdict.blocked or active(now) >= len(scene.voters) // 2 + 1:
            continue
        commit = verdict.check("commit")
        assert commit is not None
        assert "Wait 10 s" in check_text(commit).next_step


@STEADY
@given(scenes(), requests(("add", "transfer")), FACTS)
def test_addition_and_transfer_need_active_quorum_even_if_forced(
    scene: Scene, request: Request, facts: PreflightContext
) -> None:
    before, now = scene.snapshots()
    assume(not preflight(request, before, now, facts=facts).forced().blocked)
    assert active(now) >= len(scene.voters) // 2 + 1


@STEADY
@given(scenes(), requests(), st.sampled_from([s.DOWN, s.DOWN_BEFORE_ELECTION, s.SNAPSHOTTING, s.PAUSED]), FACTS)
def test_voter_becoming_unhealthy_never_unblocks_a_change(
    scene: Scene, request: Request, flags: s.Flags, facts: PreflightContext
) -> None:
    healthy = sorted(proven(*scene.snapshots()) - {scene.leader})
    assume(healthy)
    ill = replace(scene, peers={**scene.peers, healthy[0]: flags})
    was, now_is = (preflight(request, *of.snapshots(), facts=facts).level for of in (scene, ill))
    assert (was, now_is) != (CheckLevel.BLOCK, CheckLevel.PASS)


@STEADY
@given(scenes(), requests(), st.sampled_from(("silent", "look before")), FACTS)
def test_seeing_less_never_makes_a_blocked_membership_change_pass(
    scene: Scene, request: Request, lost: str, facts: PreflightContext
) -> None:
    assume(not isinstance(request, TaskSwitch))
    before, now = scene.snapshots()
    less = (None, now) if lost == "look before" else (before, _silenced(now))
    was, now_is = (preflight(request, *answers, facts=facts).level for answers in ((before, now), less))
    assert (was, now_is) != (CheckLevel.BLOCK, CheckLevel.PASS)


def _silenced(now: Snapshot) -> Snapshot:
    """The same look with every host but the leader's silent."""
    kept = now.leader[0] if now.leader else ""
    answers = [
        answer if answer.host == kept else HostAnswer(answer.host, 5.0, error=ClusterTimeout("no answer"))
        for answer in now.answers
    ]
    return replace(now, answers=tuple(answers))
