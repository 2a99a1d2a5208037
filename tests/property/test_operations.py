"""Any events of an operation and clicks of any person: the state machine holds, and no approval without the right."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.agent_limits import counts
from bot.operations.change_request import MAX_LEASE, MIN_LEASE, RequestOptions, Reversion
from bot.operations.decisions import Act, OwnOperation, refuse_decision, refuse_keeping
from bot.operations.leases import MAX_NOTICE, reverting, started, until
from bot.operations.model import (
    LOCKING,
    TRANSITIONS,
    ObservedState,
    ObservedSwitch,
    Operation,
    OpState,
    StepKind,
    advance,
    note,
)
from bot.operations.policy import POLICIES, Need, Policy, enough, missing, of_agent, stricter, strictest
from bot.operations.requests import TaskSwitch
from bot.permissions.roles import HELD_ROLES, Rights, Role
from bot.views.problem_text.table import problem_text

PEOPLE = ["U1", "U2", "U3"]
SOURCES = [*Role, "S0DBA"]
people = st.sampled_from(PEOPLE)
rights = st.builds(
    Rights,
    user=people,
    held=st.frozensets(st.sampled_from(SOURCES)),
    empty=st.frozensets(st.sampled_from(list(HELD_ROLES))),
)
policies = st.builds(
    Policy,
    approvals=st.integers(1, 3),
    source=st.sampled_from(SOURCES),
    requester_may=st.sampled_from(["always", "if_approver", "never"]),
)
BASE = Operation("prod", TaskSwitch("balance", on=False), "U1", 0.0, 100.0)


@given(st.lists(st.sampled_from(list(OpState)), max_size=8))
def test_operation_takes_defined_transitions_only(wanted: list[OpState]) -> None:
    op = BASE
    for turn, state in enumerate(wanted, start=1):
        if state in TRANSITIONS.get(op.state, frozenset()):
            moved = advance(op, state, at=float(turn))
            assert (moved.version, moved.state, moved.history[-1].state) == (op.version + 1, state, state)
            op = moved
        else:
            with pytest.raises(ValueError, match="no transition from"):
                advance(op, state, at=float(turn))
        assert op.final == (op.state not in TRANSITIONS)
        assert bool(op.lock) == (op.state in LOCKING)
    assert OpState.VERIFIED not in {event.state for event in op.history} or OpState.RUNNING in {
        event.state for event in op.history
    }


@given(policies, rights, st.lists(rights, max_size=4))
def test_requester_never_approves_what_an_agent_proposed(policy: Policy, who: Rights, others: list[Rights]) -> None:
    """By no policy, with no role, and not as one of several approvers either."""
    waiting = advance(replace(BASE, requester=who.user, options=RequestOptions(agent=True)), OpState.WAITING, at=1.0)
    refusal = refuse_decision(waiting, Act.APPROVE, who, policy, version=waiting.version, now=50.0)
    assert refusal == OwnOperation(waiting.id, lease=False, agent=True)
    assert refuse_keeping(replace(waiting, lease_until=90.0), who, policy) == OwnOperation(0, lease=True, agent=True)
    held = of_agent(policy)
    without = [each for each in others if each.user != who.user]
    assert missing(held, who.user, [*others, who]) == missing(held, who.user, without)


@given(policies, rights, st.sampled_from(PEOPLE), st.booleans())
def test_only_who_may_approve_alone_keeps_a_lease(policy: Policy, who: Rights, requester: str, forced: bool) -> None:
    op = replace(BASE, requester=requester, lease_until=90.0, options=RequestOptions(forced=forced))
    kept = refuse_keeping(op, who, policy) is None
    assert kept == (enough(policy, requester, [who]) and not forced)


@given(policies, st.lists(rights, max_size=12), st.sampled_from(PEOPLE))
def test_running_operation_has_enough_distinct_approvers(policy: Policy, clicks: list[Rights], requester: str) -> None:
    op = replace(advance(BASE, OpState.WAITING, at=1.0), requester=requester)
    given: list[Rights] = []
    for who in clicks:
        refusal = refuse_decision(op, Act.APPROVE, who, policy, version=op.version, now=50.0)
        if refusal is not None:
            assert problem_text(refusal).endswith(".")
            continue
        given.append(who)
        needed = Role.OPERATOR if who.user == requester and policy.requester_may == "always" else policy.source
        assert who.has(needed)
        assert who.user != requester or policy.requester_may != "never"
        approvals = (*op.approvals, who.user)
        if enough(policy, requester, given):
            assert len(set(approvals)) == policy.approvals
            return
        op = note(op, at=2.0, by=who.user, kind=StepKind.APPROVED, approvals=approvals)


@given(policies, rights)
def test_break_glass_never_lets_the_requester_approve(policy: Policy, who: Rights) -> None:
    forced = stricter(policy, POLICIES["break_glass"])
    op = replace(advance(BASE, OpState.WAITING, at=1.0), requester=who.user)
    assert refuse_decision(op, Act.APPROVE, who, forced, version=1, now=50.0)
    assert max(need.approvals for need in forced.needs) >= 2


LENIENT = ("never", "if_approver", "always")
parts = st.lists(
    st.builds(
        Policy,
        approvals=st.integers(1, 5),
        source=st.sampled_from(SOURCES),
        requester_may=st.sampled_from(LENIENT),
        reason=st.sampled_from(["required", "optional"]),
        expires_after=st.floats(10, 86400),
        channels=st.none() | st.lists(st.sampled_from(["C1", "C2", "C3"]), min_size=1, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=4,
)
everybody = st.dictionaries(
    st.sampled_from(["U1", "U2", "U3", "U4", "U5", "U6"]), st.frozensets(st.sampled_from(SOURCES))
)


@given(parts, everybody, st.sampled_from(["U1", "U2"]))
def test_strictest_policy_is_as_strict_as_each_part(
    each: list[Policy], held: dict[str, frozenset[str]], requester: str
) -> None:
    """What the whole lets run each part alone would, given that its requester is an operator who wants it."""
    whole = strictest(*each)
    for part in each:
        assert LENIENT.index(whole.requester_may) <= LENIENT.index(part.requester_may)
        assert whole.reason == "required" or part.reason == "optional"
        assert whole.expires_after <= part.expires_after
        assert part.channels is None or (whole.channels is not None and set(whole.channels) <= set(part.channels))
    approved = [Rights(user, sources) for user, sources in held.items()]
    if not approved or not enough(whole, requester, approved):
        return
    proposer = Rights(requester, held.get(requester, frozenset()) | {Role.OPERATOR})
    consenting = [*(one for one in approved if one.user != requester), proposer]
    for part in each:
        assert enough(part, requester, approved) or enough(part, requester, consenting)
        assert part.source in {need.source for need in whole.needs} or part.source == Role.OPERATOR


@given(parts, everybody, st.sampled_from(["U1", "U2"]))
def test_break_glass_adds_to_the_policy_and_replaces_no_part(
    each: list[Policy], held: dict[str, frozenset[str]], requester: str
) -> None:
    own, glass = strictest(*each), POLICIES["break_glass"]
    forced = stricter(own, glass)
    approved = [Rights(user, sources) for user, sources in held.items()]
    assert (forced.requester_may, forced.reason) == ("never", "required")
    if enough(forced, requester, approved):
        assert len({one.user for one in approved if one.has(Role.APPROVER)} - {requester}) >= 2
    others = {need for need in own.needs if need != Need(Role.OPERATOR, 1)}
    assert all(any(n.source == o.source and n.approvals >= o.approvals for n in forced.needs) for o in others)


@given(st.floats(MIN_LEASE, MAX_LEASE), st.floats(1e9, 2e9))
def test_a_lease_is_announced_before_it_ends(lease: float, now: float) -> None:
    op = started(replace(BASE, options=RequestOptions(lease=lease)), now)
    assert now < op.warn_at < op.lease_until
    assert op.lease_until - op.warn_at <= MAX_NOTICE + 1
    assert (op.lease_until, op.warn_at) == tuple(until(now + lease, lease).values())


@pytest.mark.parametrize(("meaning", "on"), [("on", True), ("off", False), ("unset", False), ("meaningless", False)])
def test_value_that_a_lease_restores(meaning: str, on: bool) -> None:
    op = replace(BASE, id=12, seen=ObservedState(switch=ObservedSwitch("balance", None, meaning, "false", "v3")))
    back = reverting(op, 5.0, "it was for a time only")
    assert back.request == TaskSwitch("balance", on)
    assert back.options.reverts == Reversion(of=12, thread=12, left="false")
    assert back.state is OpState.PROPOSED
    assert not back.options.agent


def test_end_of_a_lease_of_an_agent_is_marked_and_counts_as_no_proposal() -> None:
    op = replace(BASE, id=12, seen=ObservedState(switch=ObservedSwitch("balance", None, "on", "false", "v3")))
    op = replace(op, options=RequestOptions(agent=True, lease=7200.0))
    back = reverting(op, 5.0, "it was for a time only")
    assert back.options.agent
    assert (counts(op), counts(back)) == (True, False)
