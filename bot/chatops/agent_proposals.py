"""Proposals of agents, as the program that takes one checks them, and the answer that it stores for `cmbot mcp`."""

from collections.abc import Callable, Mapping

from bot.audit.query import AuditQuery
from bot.chatops.audit_log import CHECKED_AGENT, MAX_TEXT, AuditLog
from bot.chatops.command_request import CommandRequest
from bot.chatops.commands.arguments import configured, validated
from bot.chatops.forms.fields import Kind, as_typed, kind_of
from bot.clustermgr.cluster import Cluster
from bot.common.errors import Refused, UserError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.command import Reply
from bot.interactions.events import AgentProposal, Invocation
from bot.interactions.facts import ProposalFacts
from bot.operations.agent_limits import HOUR, MAX_AN_HOUR, MAX_READ, refuse_too_many
from bot.operations.operation_problems import AgentChecksLately, AgentMayNotForce
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.op_parts import title, will_send
from bot.views.preflight_text.table import check_text

MAX_AGE = 120.0
"""Seconds after which a stored proposal is refused: what was right to do then may be wrong now."""
MAX_AHEAD = 60.0
"""Seconds by which the clock of `cmbot mcp` may be ahead."""
ANSWER = "AgentAnswer"
"""The stored kind of the answer to a proposal."""


@frozen
class AgentRights:
    """What the settings allow agents: the person in whose name they propose ("" if they may not), and the clusters.

    No clusters mean all of them.
    """

    owner: str = ""
    clusters: tuple[str, ...] = ()


@frozen
class AgentProposals:
    """Turns stored proposals into commands, and stores the answers; methods raise UserError, StoreError.

    `wall` is the system clock, which `cmbot mcp` on this machine has too; a database server has one for both.
    """

    store: Store
    clock: Callable[[], float]
    wall: Callable[[], float]
    rights: AgentRights
    clusters: Mapping[str, Cluster]
    audit: AuditLog

    async def request(self, work: AgentProposal) -> CommandRequest:
        """Return the command that a proposal stands for; the settings of this program decide if there is one."""
        rights = self.rights
        if not rights.owner:
            raise UserError("The cmbot that runs takes no proposals of agents: `mcp.propose` in its settings is off.")
        if work.user != rights.owner:
            raise UserError("`mcp.owner` in the settings of the cmbot that runs is another person.")
        if not -MAX_AHEAD <= await self._now() - work.at <= MAX_AGE:
            raise UserError("The proposal was stored too long ago, so nothing was proposed. Propose it again.")
        cluster = configured(work.cluster, rights.clusters or tuple(self.clusters))
        kind = proposable(work.command)
        refuse_force(work.values)
        args = validated(kind.command, work.values)
        if getattr(args, "dry_run", "no") != "yes":
            await self._refuse_too_many()
        else:
            await self._refuse_too_many_checks()
            await self.audit.checked_agent(work.user, cluster, self._invocation(work).text)
        return CommandRequest(self._invocation(work), kind.command, cluster, args, form=True, agent=True)

    async def _now(self) -> float:
        async with self.store.read() as uow:
            return await common_time(uow, self.wall)

    async def _refuse_too_many(self) -> None:
        """Refuse before the cluster is read; the repository counts again when it stores the operation."""
        since = self.clock() - HOUR
        async with self.store.read() as uow:
            refuse_too_many(await uow.operations.open(), await uow.operations.recent(MAX_READ, since))

    async def _refuse_too_many_checks(self) -> None:
        """Count the dry runs of all replicas; the audit log has them."""
        async with self.store.read() as uow:
            lately = await uow.audit.count(AuditQuery(self.clock() - HOUR, action=CHECKED_AGENT))
        if lately >= MAX_AN_HOUR:
            raise Refused(AgentChecksLately(lately))

    def _invocation(self, work: AgentProposal) -> Invocation:
        cluster = self.clusters.get(work.cluster)
        channel = cluster.operations_channel if cluster is not None else ""
        kind = kind_of(work.command)
        values = {name: str(value) for name, value in work.values.items()}
        text = as_typed(kind, work.cluster, values) if kind is not None else work.command
        return Invocation(work.key, work.user, channel, text, "")

    async def refused(self, work: AgentProposal, why: str) -> None:
        """Record a refusal in the audit log. Never raises."""
        cluster = work.cluster if work.cluster in self.clusters else ""
        await self.audit.refused_agent(work.user, cluster, self._invocation(work).text[:MAX_TEXT], why)

    async def answer(self, work: AgentProposal, reply: Reply) -> None:
        """Store the answer, which `cmbot mcp` waits for; a second one is dropped."""
        async with self.store.begin() as uow:
            await uow.inbox.insert_if_new(work.answer_key, ANSWER, answer_json(reply), self.clock(), done=True)


async def common_time(uow: UnitOfWork, wall: Callable[[], float]) -> float:
    """Return the time by which the age of a proposal is measured: that of the database server, else of the system."""
    found = await uow.replicas.server_time()
    return wall() if found is None else found


def proposable(command: str) -> Kind:
    """Return the kind of change with these words, if it is decided on a card; raises UserError."""
    kind = kind_of(command)
    if kind is None or not kind.policies:
        raise UserError(f"An agent cannot propose {command!r:.60}.").at("change")
    return kind


def refuse_force(values: Mapping[str, object]) -> None:
    """Refuse break-glass; raises Refused."""
    if str(values.get("force", "no")).strip().lower() != "no":
        raise Refused(AgentMayNotForce()).at("force")


def answer_json(reply: Reply) -> JsonObject:
    """Return an answer as it is stored: its sentence, and what came of the proposal."""
    found: dict[str, object] = {"text": reply.message.text}
    if isinstance(reply.facts, ProposalFacts):
        found |= _facts_json(reply.facts)
    return found


def _facts_json(facts: ProposalFacts) -> dict[str, object]:
    op, verdict = facts.op, facts.op.seen.verdict
    texts = [(check.level, check_text(check)) for check in verdict.checks] if verdict is not None else []
    return {
        "result": str(facts.result),
        "operation": op.id or None,
        "cluster": op.cluster,
        "title": title(op),
        "state": str(op.state) if op.id else None,
        "channel": op.channel if op.id else None,
        "link": facts.link or None,
        "expires_at": op.expires_at if op.id and not op.final else None,
        "will_send": will_send(op),
        "checks": [
            {"level": str(level), "sentence": text.sentence, "next_step": text.next_step or None}
            for level, text in texts
        ],
    }
