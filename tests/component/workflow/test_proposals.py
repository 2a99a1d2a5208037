"""Proposals that lead to no operation: it is so already, a replacement is finished, an older replica runs."""

import json
from dataclasses import replace

import pytest

from bot.common.errors import Refused
from bot.config import AccessSettings, Members
from bot.interactions.command import Caller
from bot.interactions.facts import ProposalFacts, ProposalResult
from bot.operations.change_request import ChangeRequest, RequestOptions
from bot.operations.leases import goes_back_on
from bot.operations.model import OpState
from bot.operations.operation_problems import AgentMayNotForce, OlderReplicas, SharingUnknown
from bot.operations.policy import POLICIES, Policy, ReasonMissing
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.replacement_plan import Replacement
from bot.operations.requests import (
    AGENT_FIRST_READ_BY,
    FIRST_READ_BY,
    DiskAccess,
    MemberAdd,
    MemberRemove,
    OpKind,
    TaskSwitch,
)
from bot.permissions.access import Access
from bot.store.migrate import revisions
from bot.views.errors import error_text
from bot.workflow.proposals import ProposalService
from tests.component.workflow.test_executor import REMOVE, Scenery, scenery
from tests.component.workflow.test_late_decisions import click, leased, no_members, service
from tests.component.workflow.test_new_node_address import STAT
from tests.e2e.restored_installation import text_of
from tests.support.raw_server import says, serving

__all__ = ["scenery"]
ANNA = Caller(REMOVE.requester, "C0OPS", "")
ACCESS = AccessSettings(operators=Members(users=(REMOVE.requester,)), approvers=Members(users=("U0BEN",)))


def policy(*_of: object) -> Policy:
    return replace(POLICIES["member_remove"], requester_may="always")


async def no_link(_channel: str, _ts: str) -> str:
    return ""


async def posted(_key: object, _seconds: float) -> str:
    return ""


def proposals(scenery: Scenery) -> ProposalService:
    return ProposalService(
        repository=scenery.repository,
        access=Access(ACCESS, no_members),
        clusters={"prod": scenery.cluster},
        decisions=service(scenery),
        policies=policy,
        permalink=no_link,
        clock=scenery.clock,
        posted=posted,
    )


async def test_change_that_is_so_already_proposes_nothing(scenery: Scenery) -> None:
    scenery.simulated.set_switch("balance", "true")
    reply = await proposals(scenery).propose(ANNA, scenery.cluster, ChangeRequest(TaskSwitch("balance", on=True)))
    assert reply.message.text.startswith("balance is already on in prod")
    assert await scenery.repository.recent(None, 9) == []


async def test_finished_replacement_shows_its_plan_and_proposes_nothing(scenery: Scenery) -> None:
    await scenery.cluster.snapshot(5.0)
    scenery.clock.now += 4
    third = scenery.simulated.raft.members[3]
    wanted = Replacement(9, 3, third.raft_host, third.node_host)
    reply = await proposals(scenery).replace(ANNA, scenery.cluster, wanted, ChangeRequest(MemberRemove(9)))
    assert reply.message.text == "Peer 9 of prod is replaced by peer 3: all steps are done."
    assert await scenery.repository.recent(None, 9) == []


async def test_change_that_an_older_replica_cannot_read_is_refused(scenery: Scenery) -> None:
    """Changes of 0.1.0 go on during an upgrade; the others wait for its end."""
    asked: list[str] = []

    def older(revision: str) -> list[str]:
        asked.append(revision)
        return ["cmbot-0"] if revision else []

    service = replace(proposals(scenery), older=older)
    with pytest.raises(Refused) as refused:
        await service.propose(ANNA, scenery.cluster, ChangeRequest(DiskAccess(3, readonly=True)))
    assert refused.value.problem == OlderReplicas(["cmbot-0"])
    assert await scenery.repository.recent(None, 9) == []
    scenery.simulated.set_switch("balance", "true")
    reply = await service.propose(ANNA, scenery.cluster, ChangeRequest(TaskSwitch("balance", on=True)))
    assert reply.message.text.startswith("balance is already on in prod")
    assert asked == ["0015", ""]


async def test_change_of_an_agent_waits_until_every_replica_knows_agents(scenery: Scenery) -> None:
    """A replica of 0.1.0 would let the person approve in whose name the agent proposed."""
    service = replace(proposals(scenery), older=lambda revision: ["cmbot-0"] if revision >= "0015" else [])
    change = ChangeRequest(TaskSwitch("balance", on=False), "too much traffic")
    with pytest.raises(Refused) as refused:
        await service.propose(replace(ANNA, agent=True), scenery.cluster, change)
    assert refused.value.problem == OlderReplicas(["cmbot-0"])
    assert await scenery.repository.recent(None, 9) == []


async def test_change_of_an_agent_has_a_reason_and_stricter_terms_and_no_force(scenery: Scenery) -> None:
    service, agent = proposals(scenery), replace(ANNA, agent=True)
    change = ChangeRequest(TaskSwitch("balance", on=True))
    with pytest.raises(Refused) as refused:
        await service.propose(agent, scenery.cluster, change)
    assert refused.value.problem == ReasonMissing()
    forced = replace(change, reason="drill", options=RequestOptions(forced=True))
    with pytest.raises(Refused) as refused:
        await service.propose(agent, scenery.cluster, forced)
    assert refused.value.problem == AgentMayNotForce()
    scenery.simulated.set_switch("balance", "false")
    reply = await service.propose(agent, scenery.cluster, replace(change, reason="too slow"))
    assert isinstance(reply.facts, ProposalFacts)
    [op] = await scenery.repository.recent(None, 9)
    assert (reply.facts.result, reply.facts.op.id) == (ProposalResult.PROPOSED, op.id)
    assert op.options.agent
    assert op.terms is not None
    assert op.terms.policy.requester_may == "never"


def test_first_readers_name_every_kind_that_0_1_0_does_not_know() -> None:
    """A new kind without an entry would stop the replicas of the former release during an upgrade."""
    assert {*FIRST_READ_BY, *json.loads(text_of("names.json"))["operation_kinds"]} == set(OpKind)


def test_first_readers_are_known_revisions_that_replicas_save() -> None:
    assert {AGENT_FIRST_READ_BY, *FIRST_READ_BY.values()} <= {
        revision for revision in revisions() if revision >= "0015"
    }


async def test_new_node_of_an_agent_is_asked_after_the_click_of_a_person(scenery: Scenery) -> None:
    """The answer changes a check, so the first approval is void and the next card shows it."""
    service = proposals(scenery)
    await scenery.cluster.snapshot(5.0)
    scenery.clock.now += 4
    async with serving(says(200, STAT)) as new:
        change = ChangeRequest(MemberAdd(4, "10.0.0.4:10110", new.host), "one more learner")
        for asked in (replace(change, dry_run=True), change):
            await service.propose(replace(ANNA, agent=True), scenery.cluster, asked)
            assert new.requests == []
        [op] = await scenery.repository.recent(None, 9)
        await service.decisions.decide(click(op, "op_confirm"))
        assert [request.target for request in new.requests] == ["/stat"]
        assert (await scenery.state_of(op))[0] is OpState.SUPERSEDED
        assert scenery.simulated.log.matching(method="POST") == []
        second, _ = await scenery.repository.recent(None, 9)
        assert second.seen.verdict is not None
        shown = second.seen.verdict.check("answers")
        assert shown is not None
        assert shown.level is CheckLevel.PASS
        await service.decisions.decide(click(second, "op_confirm"))
        assert len(new.requests) > 1
    assert len(scenery.simulated.log.matching(method="POST", path="/member/add")) == 1


async def test_change_is_refused_while_it_is_unknown_if_its_channel_is_shared(scenery: Scenery) -> None:
    async def unknown(channel: str) -> bool | None:
        return None if channel == "C0OPS" else False

    service = proposals(scenery)
    service.decisions.shared = unknown
    with pytest.raises(Refused) as refused:
        await service.propose(ANNA, scenery.cluster, ChangeRequest(TaskSwitch("balance", on=False)))
    assert refused.value.problem == SharingUnknown("C0OPS")
    op = await scenery.opened(REMOVE)
    with pytest.raises(Refused) as refused:
        await service.decisions.decide(click(op, "op_confirm"))
    assert refused.value.problem == SharingUnknown("C0OPS")
    assert "Slack does not say if <#C0OPS> is shared" in error_text(refused.value)
    assert await service.shown(op.id) == op, "reading goes on"


@pytest.mark.parametrize("again", [0.0, 3600.0])
async def test_lease_that_no_single_person_changes_is_changed_by_a_new_proposal(scenery: Scenery, again: float) -> None:
    def two(*_of: object) -> Policy:
        return replace(POLICIES["task_disable"], approvals=2)

    scenery.simulated.set_switch("balance", "false")
    first = await leased(scenery)
    access = Access(ACCESS.model_copy(update={"approvers": Members(users=("U0BEN", "U0CAT"))}), no_members)
    service = replace(proposals(scenery), policies=two)
    service.decisions = replace(service.decisions, policies=two, access=access)
    change = ChangeRequest(TaskSwitch("balance", on=False), options=RequestOptions(lease=again))
    await service.propose(ANNA, scenery.cluster, change)
    op, _ = await scenery.repository.recent(None, 9)
    assert op.state is OpState.WAITING
    for user in ("U0BEN", "U0CAT"):
        await service.decisions.decide(click(op, "op_confirm", user))
    op, earlier = await scenery.repository.recent(None, 9)
    assert (op.state, earlier.id, earlier.lease_until) == (OpState.VERIFIED, first.id, 0.0)
    assert bool(op.lease_until) is bool(again)
    if again:
        assert goes_back_on(op), "to the value before the first change"
