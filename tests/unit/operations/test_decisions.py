"""Policies and decisions: who may propose, who may approve, and each refusal in a sentence."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.change_request import RequestOptions
from bot.operations.decisions import (
    Act,
    DecisionRefusal,
    LeaseNeedsMore,
    needs_more_people,
    refuse_decision,
    refuse_keeping,
)
from bot.operations.model import Operation, OpState
from bot.operations.policy import (
    POLICIES,
    Need,
    Policy,
    PolicyOverride,
    ProposalRefusal,
    ReasonMissing,
    enough,
    policy_of,
    refuse_proposal,
    short_of,
    stricter,
)
from bot.operations.requests import MemberRemove
from bot.permissions.roles import HELD_ROLES, Rights, Role
from bot.views.decisions import REFUSALS, shortfall_text
from bot.views.problem_text.table import problem_text

OP = Operation(
    cluster="prod",
    request=MemberRemove(3),
    requester="U0ANNA",
    created_at=100.0,
    expires_at=1000.0,
    state=OpState.WAITING,
    id=12,
    version=1,
)
OPERATOR, APPROVER, ADMIN, BREAKER = HELD_ROLES


def rights(user: str, *held: str, **more: Any) -> Rights:
    return Rights(user, frozenset(held), **more)


def refusal(act: Act, who: Rights, policy: Policy, op: Operation = OP, *, version: int = 1, now: float = 500.0) -> str:
    found = refuse_decision(op, act, who, policy, version=version, now=now)
    return problem_text(found) if found is not None else ""


ANNA = rights("U0ANNA", OPERATOR, APPROVER)
ANNA_ONLY_OPERATOR = rights("U0ANNA", OPERATOR)
BEN = rights("U0BEN", APPROVER)
OPERATOR_BEN = rights("U0BEN", OPERATOR)
NO_ROLE = rights("U0STRANGER")
ALWAYS, IF_APPROVER, NEVER = POLICIES["task_enable"], POLICIES["task_disable"], POLICIES["member_remove"]


@pytest.mark.parametrize(
    ("act", "who", "policy", "text"),
    [
        (Act.APPROVE, BEN, NEVER, ""),
        (Act.APPROVE, BEN, IF_APPROVER, ""),
        (Act.APPROVE, BEN, ALWAYS, "do not hold the role operator"),
        (Act.APPROVE, OPERATOR_BEN, ALWAYS, ""),
        (Act.APPROVE, OPERATOR_BEN, IF_APPROVER, "do not hold the role approver"),
        (Act.APPROVE, ANNA, ALWAYS, ""),
        (Act.APPROVE, ANNA_ONLY_OPERATOR, ALWAYS, ""),
        (Act.APPROVE, ANNA, IF_APPROVER, ""),
        (Act.APPROVE, ANNA_ONLY_OPERATOR, IF_APPROVER, "cannot approve it"),
        (Act.APPROVE, ANNA, NEVER, "another person must approve it"),
        (Act.APPROVE, NO_ROLE, NEVER, "may not approve operation #12"),
        (Act.APPROVE, rights("U0ANNA"), ALWAYS, "do not hold the role operator"),
        (Act.APPROVE, rights("U0BEN", unknown={APPROVER: "S0X (fatal_error)"}), NEVER, "S0X (fatal_error)"),
        (Act.APPROVE, rights("U0BEN", empty=frozenset({APPROVER})), NEVER, "access.approvers"),
        (Act.APPROVE, rights("U0BEN", "S0DBA"), replace(NEVER, source="S0DBA"), ""),
        (Act.APPROVE, BEN, replace(NEVER, source="S0DBA"), "not in the user group S0DBA"),
        (Act.CANCEL, rights("U0ANNA"), NEVER, ""),
        (Act.CANCEL, rights("U0EVE", ADMIN), NEVER, ""),
        (Act.CANCEL, BEN, NEVER, "or an admin may cancel it"),
        (Act.REJECT, BEN, NEVER, ""),
        (Act.REJECT, rights("U0EVE", ADMIN), NEVER, ""),
        (Act.REJECT, OPERATOR_BEN, NEVER, "Only an approver of"),
        (Act.REJECT, NO_ROLE, NEVER, "Only an approver of"),
    ],
)
def test_decision_by_role_and_policy_counts_or_is_refused(act: Act, who: Rights, policy: Policy, text: str) -> None:
    said = refusal(act, who, policy)
    assert text in said if text else said == ""


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize(
    ("op", "version", "now", "text"),
    [
        (OP, 0, 500.0, "has no effect"),
        (OP, 2, 500.0, "has no effect"),
        (OP, 1, 1000.0, "has expired"),
        *((replace(OP, state=state), 1, 500.0, f"is already {state}") for state in OpState if state is not OP.state),
    ],
)
def test_click_on_final_operation_or_forged_version_has_no_effect(
    act: Act, op: Operation, version: int, now: float, text: str
) -> None:
    assert text in refusal(act, rights("U0BEN", *Role), ALWAYS, op, version=version, now=now)


def test_button_of_an_earlier_version_counts_while_waiting() -> None:
    """An approval raises the version; what the card shows of the cluster is the same."""
    assert refusal(Act.APPROVE, BEN, NEVER, replace(OP, version=3)) == ""


@pytest.mark.parametrize(
    ("who", "policy", "text"),
    [
        (BEN, NEVER, ""),
        (ANNA, IF_APPROVER, ""),
        (ANNA_ONLY_OPERATOR, ALWAYS, ""),
        (ANNA_ONLY_OPERATOR, IF_APPROVER, "do not hold the role approver"),
        (OPERATOR_BEN, IF_APPROVER, "do not hold the role approver"),
        (ANNA, NEVER, "another person must extend or keep it"),
    ],
)
def test_lease_is_extended_only_by_approvers(who: Rights, policy: Policy, text: str) -> None:
    """What two approvers allowed for ten minutes an operator cannot make permanent by a click."""
    found = refuse_keeping(replace(OP, lease_until=900.0), who, policy)
    assert (found is None) == (not text)
    assert found is None or text in problem_text(found)


@pytest.mark.parametrize(
    ("op", "who", "policy", "short"),
    [
        (OP, BEN, replace(NEVER, approvals=2), (Need("approver", 1),)),
        (OP, BEN, replace(NEVER, also=(Need("S0SEC", 1),)), (Need("S0SEC", 1),)),
        (OP, ANNA, replace(IF_APPROVER, approvals=2), (Need("approver", 1),)),
        (OP, ANNA_ONLY_OPERATOR, replace(ALWAYS, approvals=2), (Need("operator", 1),)),
        (replace(OP, options=RequestOptions(forced=True)), BEN, NEVER, ()),
    ],
)
def test_lease_that_needs_several_people_is_changed_by_none(
    op: Operation, who: Rights, policy: Policy, short: tuple[Need, ...]
) -> None:
    found = refuse_keeping(replace(op, lease_until=900.0), who, policy)
    assert found == LeaseNeedsMore(12, short, forced=op.forced)


SOURCES = (*HELD_ROLES, "S0SEC", "S0DBA")
NEEDS = st.lists(
    st.builds(Need, st.sampled_from(SOURCES[:-1]), st.integers(1, 2)), max_size=2, unique_by=lambda n: n.source
)


@given(
    policy=st.builds(
        Policy,
        approvals=st.integers(1, 2),
        source=st.just("S0DBA"),
        requester_may=st.sampled_from(("always", "if_approver", "never")),
        also=NEEDS.map(tuple),
    ),
    options=st.builds(RequestOptions, forced=st.booleans(), agent=st.booleans()),
)
def test_several_people_are_needed_where_no_person_with_all_roles_may(policy: Policy, options: RequestOptions) -> None:
    op = replace(OP, lease_until=900.0, options=options)
    may = [refuse_keeping(op, rights(user, *SOURCES), policy) is None for user in ("U0ANNA", "U0BEN")]
    assert needs_more_people(op, policy) is not any(may)


def test_lease_that_is_over_cannot_be_extended() -> None:
    found = refuse_keeping(OP, BEN, NEVER)
    assert found is not None
    assert problem_text(found) == "The lease of operation #12 is over, so there is nothing to extend or keep."


def test_second_approval_of_one_person_does_not_count() -> None:
    two = replace(NEVER, approvals=2)
    once = replace(OP, approvals=("U0BEN",))
    assert "already" in refusal(Act.APPROVE, BEN, two, once)
    cat = rights("U0CAT", APPROVER)
    assert [enough(two, "U0ANNA", given) for given in ([BEN], [BEN, BEN], [BEN, cat])] == [False, False, True]


@pytest.mark.parametrize(
    ("who", "policy", "options", "text", "of_rights"),
    [
        (ANNA, NEVER, {}, "", False),
        (BEN, NEVER, {}, "do not hold the role operator", True),
        (rights("U0X", empty=frozenset(HELD_ROLES)), NEVER, {}, "access.operators", True),
        (rights("U0X", OPERATOR, empty=frozenset({APPROVER})), NEVER, {}, "access.approvers", True),
        (rights("U0X", unknown={OPERATOR: "S0X (no answer)"}), NEVER, {}, "S0X (no answer)", True),
        (ANNA, replace(NEVER, channels=("C0OPS",)), {}, "in <#C0OPS> only", True),
        (ANNA, replace(NEVER, channels=("C0OPS",)), {"channel": "C0OPS"}, "", False),
        (ANNA, replace(NEVER, reason="required"), {"reason": "  "}, "needs a reason", False),
        (ANNA, replace(NEVER, reason="required"), {"reason": "x"}, "", False),
        (ANNA, NEVER, {"forced": True}, "`force=yes` is break-glass, and you do not hold the role breaker", True),
        (rights("U0X", OPERATOR, BREAKER), NEVER, {"forced": True}, "", False),
    ],
)
def test_people_who_may_propose(who: Rights, policy: Policy, options: Any, text: str, of_rights: bool) -> None:
    found = refuse_proposal(policy, who, **{"channel": "C0GENERAL", "reason": "", **options})
    assert (found is None) == (not text)
    assert of_rights == (found is not None and not isinstance(found, ReasonMissing))
    assert found is None or text.lower() in problem_text(found).lower()


def test_settings_override_key_by_key_and_the_cluster_comes_last() -> None:
    of_all, of_cluster = PolicyOverride(approvals=2), PolicyOverride(approvals=3, source="S0DBA")
    found = policy_of("task_disable", PolicyOverride(expires_after=60.0), of_all, of_cluster)
    assert found == Policy(approvals=3, source="S0DBA", requester_may="if_approver", expires_after=60.0)


def test_break_glass_is_never_milder_than_two_others() -> None:
    lax = Policy(approvals=1, requester_may="always", reason="optional")
    forced = stricter(lax, lax)
    assert (forced.approvals, forced.requester_may, forced.reason) == (2, "never", "required")
    assert stricter(replace(lax, approvals=4), lax).approvals == 4


@pytest.mark.parametrize(
    ("policy", "approvers", "operators", "why"),
    [
        (Policy(), {"U1"}, {"U1"}, ""),
        (Policy(source="operator", requester_may="always"), {"U1"}, {"U1"}, ""),
        (Policy(requester_may="always"), set(), {"U1"}, ""),
        (Policy(requester_may="never"), {"U1"}, {"U1"}, "needs 1 approval, but no one can give one besides"),
        (Policy(requester_may="never"), {"U1"}, {"U1", "U2"}, ""),
        (Policy(requester_may="never", approvals=2), {"U1", "U2"}, {"U1"}, "only 1 person can give one besides"),
        (Policy(requester_may="never", approvals=2), {"U1", "U2"}, {"U3"}, ""),
        (Policy(approvals=3), {"U1", "U2"}, {"U3"}, "needs 3 approvals, but only 2 people can give one"),
        (Policy(approvals=3), set(), set(), ""),
    ],
)
def test_policy_that_cannot_be_satisfied_is_found(
    policy: Policy, approvers: set[str], operators: set[str], why: str
) -> None:
    """A policy without operators is a finding of another check."""
    found = short_of(policy, frozenset(approvers), frozenset(operators))
    assert (found is None) == (not why)
    assert found is None or why in shortfall_text(found)


@given(
    approvals=st.integers(1, 5),
    may=st.sampled_from(["always", "if_approver", "never"]),
    approvers=st.frozensets(st.sampled_from(["U1", "U2", "U3"])),
    operators=st.frozensets(st.sampled_from(["U1", "U2", "U3", "U4"]), min_size=1),
)
def test_unsatisfiable_policy_is_found_exactly(
    approvals: int, may: str, approvers: frozenset[str], operators: frozenset[str]
) -> None:
    """Tried out, person by person, with what decides on a click."""
    policy = Policy(approvals=approvals, requester_may=may)
    everybody = approvers | operators

    def clicks(requester: str) -> int:
        op = replace(OP, requester=requester)
        return sum(refusal(Act.APPROVE, holding(who), policy, op) == "" for who in everybody)

    def holding(who: str) -> Rights:
        held = {OPERATOR} if who in operators else set()
        return rights(who, *held, *({APPROVER} if who in approvers else set()))

    assert bool(short_of(policy, approvers, operators)) == all(clicks(one) < approvals for one in operators)


def test_every_kind_of_refusal_has_words() -> None:
    kinds = (*get_args(ProposalRefusal), *get_args(DecisionRefusal))
    assert set(REFUSALS) == set(kinds)
    assert len(REFUSALS) == len(kinds)
