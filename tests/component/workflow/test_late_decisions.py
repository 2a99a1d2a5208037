"""Decisions that come too late, or on what is gone: refused in a sentence, and nothing is sent."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.clustermgr.cluster import Cluster
from bot.common.errors import SlackError
from bot.common.frozen import frozen
from bot.config import AccessSettings, Members
from bot.interactions.command import Caller
from bot.interactions.events import Click
from bot.operations.change_request import MAX_LEASE, RequestOptions
from bot.operations.leases import until
from bot.operations.model import ObservedState, ObservedSwitch, Operation, OpState
from bot.operations.policy import POLICIES, Need, Policy
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import LegacyWords
from bot.permissions.access import Access
from bot.views.step_text import event_text
from bot.workflow.approvals import ApprovalService
from bot.workflow.proposals import link_to
from bot.workflow.repository import OperationRepository
from bot.workflow.reversions import TimeLimitClicks
from tests.component.workflow.test_executor import REMOVE, Scenery, scenery
from tests.support.refusals import refused

__all__ = ["scenery"]
ACCESS = AccessSettings(
    operators=Members(users=(REMOVE.requester,)),
    approvers=Members(users=("U0BEN",)),
    admins=Members(users=("U0CARA",)),
)
SWITCH = ObservedSwitch("balance", "true", "on", "false", "v3")
LEASED = replace(
    REMOVE,
    request=TaskSwitch("balance", on=False),
    options=RequestOptions(lease=7200.0),
    seen=ObservedState(switch=SWITCH),
)


async def no_members(_group: str) -> frozenset[str]:
    return frozenset()


def policy(*_of: object) -> Policy:
    return POLICIES["member_remove"]


@frozen
class SecondPlace(OperationRepository):
    """A repository in which another process takes a step right before each step of this one."""

    async def move(self, op: Operation, to: OpState, **step: Any) -> Operation:
        """Close the operation, then try the step."""
        await OperationRepository.move(self, op, OpState.CLOSED, fact=LegacyWords("the cluster was removed"))
        return await OperationRepository.move(self, op, to, **step)

    async def note(self, op: Operation, **changes: Any) -> Operation:
        """Announce the end of the lease, then try the change."""
        await OperationRepository.note(self, op, fact=LegacyWords("it goes back soon"), warn_at=0.0)
        return await OperationRepository.note(self, op, **changes)


def service(scenery: Scenery, *, second: bool = False, known: bool = True) -> ApprovalService:
    store, clock = scenery.store, scenery.clock
    repository = SecondPlace(store, lambda: None, clock, "p1") if second else scenery.repository
    clusters: dict[str, Cluster] = {"prod": scenery.cluster} if known else {}
    return ApprovalService(
        repository=repository,
        access=Access(ACCESS, no_members),
        policies=policy,
        clusters=clusters,
        executor=scenery.executor,
        time_limits=TimeLimitClicks(repository),
        clock=clock,
        members_now=no_members,
    )


def click(op: Operation, action: str, user: str = "U0BEN") -> Click:
    return Click("T1", user, op.channel, action, json.dumps({"op": op.id, "v": op.version}), "1.0", "")


async def leased(scenery: Scenery, **options: Any) -> Operation:
    """A verified switch whose lease runs."""
    wanted = replace(LEASED, options=replace(LEASED.options, **options))
    op = await scenery.opened(wanted, OpState.RUNNING, OpState.VERIFIED)
    lease = wanted.options.lease
    return await scenery.repository.note(op, fact=LegacyWords("leased"), **until(scenery.clock() + lease, lease))


async def unchanged(scenery: Scenery, op: Operation) -> bool:
    """True if no step was taken."""
    found = await scenery.repository.get(op.id)
    return found is not None and (found.version, found.lease_until) == (op.version, op.lease_until)


async def test_button_of_another_release_is_refused(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE)
    with refused(r"^This button belongs to an older version of cmbot\."):
        await service(scenery).decide(click(op, "op_postpone"))
    assert (await scenery.state_of(op))[0] is OpState.WAITING


async def test_rejection_after_another_decision_is_refused(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE)
    with refused(rf"^Another decision on operation #{op.id} came first: see its card\.$"):
        await service(scenery, second=True).decide(click(op, "op_reject"))
    assert (await scenery.state_of(op))[0] is OpState.CLOSED


async def test_approval_on_a_removed_cluster_closes_the_operation(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE)
    await service(scenery, known=False).decide(click(op, "op_confirm"))
    assert await scenery.state_of(op) == (OpState.CLOSED, "prod is no longer in the settings; nothing was sent")
    assert scenery.simulated.log.matching(method="POST") == []


@pytest.mark.parametrize("states", [(), (OpState.RUNNING,), (OpState.RUNNING, OpState.VERIFIED)])
async def test_only_an_unknown_outcome_can_be_settled(scenery: Scenery, states: tuple[OpState, ...]) -> None:
    op = await scenery.opened(REMOVE, *states)
    with refused(rf"^Operation #{op.id} is {op.state}: only an unknown outcome can be settled"):
        await service(scenery).settle(op, Caller("U0CARA", "C0OPS", ""), done=True, reason="seen")


async def test_settlement_after_another_step_is_refused(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    with refused("came first"):
        await service(scenery, second=True).settle(op, Caller("U0CARA", "C0OPS", ""), done=False, reason="checked")
    assert (await scenery.state_of(op))[0] is OpState.CLOSED


@pytest.mark.parametrize("action", ["op_extend", "op_keep"])
async def test_lease_needs_an_approver_to_be_kept(scenery: Scenery, action: str) -> None:
    op = await leased(scenery)
    with refused("another person must extend or keep it"):
        await service(scenery).decide(click(op, action, op.requester))
    found = await scenery.repository.get(op.id)
    assert found is not None
    assert found.lease_until == op.lease_until


@pytest.mark.parametrize("action", ["op_extend", "op_keep"])
@pytest.mark.parametrize(
    ("own", "options", "words"),
    [
        (replace(POLICIES["task_disable"], approvals=2), {}, "needs more than your approval (1 approval by approver)"),
        (replace(POLICIES["task_disable"], also=(Need("S0SEC", 1),)), {}, "(1 approval by S0SEC)"),
        (replace(POLICIES["break_glass"], approvals=1), {"forced": True}, "was forced by break-glass"),
    ],
)
async def test_lease_that_several_people_approved_is_not_changed_by_one(
    scenery: Scenery, action: str, own: Policy, options: dict[str, bool], words: str
) -> None:
    op = await leased(scenery, **options)
    decisions = replace(service(scenery), policies=lambda *_: own)
    with refused(f"{re.escape(words)}, so no single person may extend or keep it. Propose the change again"):
        await decisions.decide(click(op, action))
    assert await unchanged(scenery, op)


async def test_role_is_looked_up_without_the_cache_before_a_lease_is_kept(scenery: Scenery) -> None:
    """Ben left the group of approvers; the cache still lists him."""

    async def cached(_group: str) -> frozenset[str]:
        return frozenset({"U0BEN"})

    op = await leased(scenery)
    access = Access(ACCESS.model_copy(update={"approvers": Members(groups=("S0ONCALL",))}), cached)
    with refused("^Only an approver of operation"):
        await replace(service(scenery), access=access).decide(click(op, "op_keep"))
    assert await unchanged(scenery, op)
    await replace(service(scenery), access=access, members_now=cached).decide(click(op, "op_keep"))
    found = await scenery.repository.get(op.id)
    assert found is not None
    assert found.lease_until == 0.0


async def test_lease_is_extended_up_to_the_longest_one_only(scenery: Scenery) -> None:
    op = await leased(scenery, lease=MAX_LEASE / 2)
    await service(scenery).decide(click(op, "op_extend"))
    longer = await scenery.repository.get(op.id)
    assert longer is not None
    assert longer.lease_until == op.lease_until + MAX_LEASE / 2
    with refused(r"cannot be extended: a change holds for 30 d at most, counted from its start"):
        await service(scenery).decide(click(longer, "op_extend"))
    assert await unchanged(scenery, longer)


async def test_lease_that_changed_before_the_click_stays(scenery: Scenery) -> None:
    op = await leased(scenery)
    with refused(rf"^Operation #{op.id} changed before your click: see its card\.$"):
        await service(scenery, second=True).decide(click(op, "op_keep"))
    found = await scenery.repository.get(op.id)
    assert found is not None
    assert (found.lease_until, found.warn_at) == (op.lease_until, 0.0)


async def test_card_without_a_permalink_is_proposed_without_a_link() -> None:
    async def refused(_channel: str, _ts: str) -> str:
        raise SlackError("Slack refused chat.getPermalink: message_not_found.", code="message_not_found")

    assert await link_to(refused, "C0OPS", "1.0") == ""
    assert await link_to(refused, "C0OPS", "") == ""


async def test_settlement_on_a_silent_cluster_says_that_it_is_unread(scenery: Scenery) -> None:
    op = await scenery.opened(LEASED, OpState.RUNNING, OpState.UNKNOWN)
    for node in (1, 2, 3):
        await scenery.simulated.kill(node)
    settled = await service(scenery).settle(op, Caller("U0CARA", "C0OPS", ""), done=True, reason="in the log")
    assert (
        event_text(settled.history[-1]) == "settled as done by an admin: in the log; cmbot cannot read the cluster now"
    )
