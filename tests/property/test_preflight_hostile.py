"""Any answers of servers, also absurd ones: the preflight gives a result and allows nothing unproven."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clustermgr.models import Disk, HostAnswer, Peer, RaftStatus, Snapshot, Stat
from bot.operations.preflight.check import CheckLevel, PreflightContext, SwitchReading, preflight
from bot.operations.replacement_plan import StepState, replace_plan
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    NodeDrop,
    NodeOffline,
    Request,
    TaskSwitch,
)
from tests.docgen.disk_fixture import DiskScene
from tests.support.budget import examples

REQUESTS: tuple[Request, ...] = (
    MemberAdd(4, "cm4:10110", "cm4:9998", learner=False),
    MemberAdd(3, "cm3:10110", "cm3:9998"),
    MemberAdd(2, "cm2:10110"),
    MemberRemove(1),
    MemberRemove(2),
    LeaderTransfer(2),
    LeaderTransfer(3),
    TaskSwitch("disk_repair", on=False),
    TaskSwitch("balance", on=True),
    DiskOffline(7),
    DiskBroken(7),
    DiskAccess(7, readonly=False),
    DisksOffline((6, 7)),
    NodeOffline("10.0.1.2:8889"),
    NodeDrop(2),
)
FACTS = st.sampled_from(
    [
        PreflightContext(),
        PreflightContext(disks=DiskScene().facts()),
        PreflightContext(node_answers=True, dialect="v3", switch=SwitchReading("x", "meaningless")),
    ]
)
STEADY = settings(deadline=None, max_examples=examples(200))

U64 = st.integers(0, 2**64 - 1)
WILD_PEERS = st.builds(
    Peer, id=U64, host=st.text(max_size=5), match=U64, state=st.text(max_size=5), active=st.booleans()
)
WILD_STATUS = st.builds(
    RaftStatus,
    node_id=st.integers(0, 3),
    term=st.integers(0, 3),
    commit=U64,
    leader=st.integers(0, 3),
    applied=U64,
    transferee=st.integers(0, 3),
    peers=st.lists(
        st.one_of(WILD_PEERS, st.builds(Peer, id=st.integers(0, 3), is_learner=st.booleans())), max_size=4
    ).map(tuple),
)
WILD_ANSWERS = st.builds(
    HostAnswer,
    host=st.text(max_size=8),
    took=st.just(0.1),
    stat=st.one_of(st.none(), st.builds(Stat, leader_host=st.text(max_size=8), raft_status=WILD_STATUS)),
)
WILD = st.builds(
    Snapshot,
    cluster=st.just("prod"),
    at=st.floats(0, 20),
    answers=st.lists(WILD_ANSWERS, max_size=4).map(tuple),
    bad_disks=st.sampled_from([None, (), (Disk(disk_id=1, status=2),)]),
)


@STEADY
@given(st.sampled_from(REQUESTS), st.one_of(st.none(), WILD), WILD, FACTS)
def test_no_answer_of_any_server_makes_it_raise(
    request: Request, before: Snapshot | None, now: Snapshot, facts: PreflightContext
) -> None:
    verdict = preflight(request, before, now, facts=facts)
    assert verdict.checks
    if now.leader is None:
        assert verdict.forced().blocked


@STEADY
@given(st.one_of(st.none(), WILD), WILD, st.booleans())
def test_plan_from_any_answers_has_one_next_step(
    before: Snapshot | None,
    now: Snapshot,
    remembered: bool,
) -> None:
    steps = replace_plan(2, 3, "cm3:10110", "cm3:9998", before, now, learner_was_caught_up=remembered)
    states = [step.state for step in steps]
    assert states.count(StepState.NEXT) <= 1
    known = preflight(MemberRemove(2), before, now).check("leader")
    if known is None or known.level is CheckLevel.BLOCK:
        assert set(states) == {StepState.UNKNOWN}
