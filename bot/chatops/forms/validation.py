"""Acknowledgement of a form that was sent: errors beside its fields, or that the change is being checked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.chatops.commands.arguments import validated
from bot.chatops.commands.cluster_names import configured
from bot.chatops.dispatcher import STORE_DOWN, AuditLogPort
from bot.chatops.forms.events import Submitted
from bot.chatops.forms.fields import Kind, as_typed, kind_of, values_of
from bot.chatops.forms.signing import STALE, Origin, verify
from bot.common.errors import UserError
from bot.interactions.command import Args, Call, Caller, ClusterPort, Replacement, Reply
from bot.interactions.events import Invocation, Submission
from bot.interactions.message import Message, Undelivered
from bot.operations.approval_rules import refuse_proposal
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation
from bot.operations.policy import PolicyOf
from bot.permissions.access import Access, lacking
from bot.permissions.roles import Rights, Role
from bot.views.blocks import clip, plain
from bot.views.forms import CALLBACK, CLUSTER, FIELD, KIND, checking, notice

RIGHTS_SECONDS = 1.5
"""Seconds for the look-up of user groups, of the three that Slack waits; the look-up is repeated later."""
MAX_ERROR = 1000
_CHANGING = "The form was still being redrawn for this choice. Check its fields, then send it again."


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """The acknowledgement, and the work to store before it is sent."""

    answer: Mapping[str, Any]
    work: Submission | None = None


@dataclass(slots=True)
class _Rehearsal:
    """A Proposer that records change requests and proposes nothing."""

    # ruff: noqa: ARG002 - it takes every argument that its port takes

    change_requests: list[ChangeRequest] = field(default_factory=list)

    async def propose(self, caller: Caller, cluster: ClusterPort, change_request: ChangeRequest) -> Reply:
        self.change_requests.append(change_request)
        return Reply(Message(""))

    async def replace(
        self, caller: Caller, cluster: ClusterPort, wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        self.change_requests.append(replace(change_request, policy="member_replace"))
        return Reply(Message(""))

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        return ()

    async def shown(self, op_id: int) -> Operation:
        raise UserError(STALE)

    async def cancel(self, caller: Caller, op_id: int) -> Reply:
        raise UserError(STALE)

    async def settle(self, caller: Caller, op_id: int, *, done: bool, reason: str) -> Reply:
        raise UserError(STALE)

    async def undelivered(self) -> Sequence[Undelivered]:
        raise UserError(STALE)

    async def redeliver(self, caller: Caller) -> Reply:
        raise UserError(STALE)


@dataclass(frozen=True, slots=True)
class FormValidator:
    """Validates a form by running its command with a Proposer that proposes nothing."""

    clusters: Mapping[str, ClusterPort]
    access: Access
    policies: PolicyOf
    call_of: Callable[[Invocation, str], Call]
    key: bytes
    audit: AuditLogPort

    async def judge(self, sent: Submitted) -> FormAnswer:
        """Validate a form; returns its work if the change may be proposed."""
        try:
            origin = self._origin(sent)
        except UserError as error:
            return FormAnswer({"response_action": "update", "view": notice(Message(str(error)))})
        rights = await self._rights(sent.user, origin.cluster)
        if rights is not None and (why := lacking(rights, Role.OPERATOR)):
            return await self._refused(sent, origin, why)
        try:
            work, kind = self._work(sent, origin)
            await self._rehearse(work, kind, validated(kind.command, work.values), rights)
        except UserError as error:
            return FormAnswer(_errors(sent, str(error), error.argument))
        return FormAnswer({"response_action": "update", "view": checking(work.cluster)}, work)

    async def _rights(self, user: str, cluster: str) -> Rights | None:
        """Return the rights of `user`, None if Slack is too slow; they are looked up again once the form is stored."""
        try:
            async with asyncio.timeout(RIGHTS_SECONDS):
                return await self.access.rights(user, cluster)
        except TimeoutError:
            return None

    async def _refused(self, sent: Submitted, origin: Origin, why: str) -> FormAnswer:
        """Refuse before the fields are validated, and record the refusal like that of a command."""
        asked = Invocation(sent.key, sent.user, origin.channel, f"do {origin.kind} (form)", "")
        await self.audit.refused_command(asked, origin.cluster if origin.cluster in self.clusters else "", why)
        return FormAnswer({"response_action": "update", "view": notice(Message(why))})

    def store_down(self, sent: Submitted) -> Mapping[str, Any]:
        """Return the acknowledgement if the work could not be stored; the form stays open."""
        return _errors(sent, STORE_DOWN, "")

    def _origin(self, sent: Submitted) -> Origin:
        if sent.view.callback != CALLBACK or not sent.view.blocks:
            raise UserError(STALE)
        return verify(sent.view.sealed, self.key, sent.user)

    def _work(self, sent: Submitted, origin: Origin) -> tuple[Submission, Kind]:
        held = sent.view.values
        kind = kind_of(origin.kind)
        if kind is None or (held.get(KIND), held.get(CLUSTER)) != (origin.kind, origin.cluster):
            raise UserError(_CHANGING)
        cluster = configured(origin.cluster, tuple(self.clusters))
        values = values_of(kind, held)
        work = Submission(
            # Not the trigger: a form that is sent twice is one change request.
            key=f"form:{sent.view.id}",
            user=sent.user,
            channel=origin.channel,
            response_url=origin.answer_to,
            view_id=sent.view.id,
            command=kind.key,
            cluster=cluster,
            values=values,
            text=as_typed(kind, cluster, values),
        )
        return work, kind

    async def _rehearse(self, work: Submission, kind: Kind, args: Args, rights: Rights | None) -> None:
        rehearsal = _Rehearsal()
        call = replace(self.call_of(work.invocation, work.cluster), proposer=rehearsal)
        async for _ in kind.command.run(call, args):
            pass
        if rights is not None:
            for change_request in rehearsal.change_requests:
                self._check_reason(work, change_request, rights)

    def _check_reason(self, work: Submission, change_request: ChangeRequest, rights: Rights) -> None:
        """Raise UserError for what the policy refuses, rights aside: ProposalService refuses and records those."""
        policy = self.policies(work.cluster, change_request.keys, change_request.forced)
        why, of_rights = refuse_proposal(
            policy, rights, channel=work.channel, reason=change_request.reason, forced=change_request.forced
        )
        if why and not of_rights:
            raise UserError(why).at("reason")


def _errors(sent: Submitted, words: str, argument: str) -> Mapping[str, Any]:
    blocks = sent.view.blocks
    action = CLUSTER if argument == "cluster" else f"{FIELD}{argument}"
    block = blocks.get(action) or blocks.get(KIND) or next(iter(blocks.values()))
    return {"response_action": "errors", "errors": {block: clip(plain(words), MAX_ERROR)}}
