"""Acknowledgement of a form that was sent: errors beside its fields, or that the change is being checked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from bot.chatops.audit_log import RecordRefusal
from bot.chatops.commands.arguments import configured, validated
from bot.chatops.dispatcher import STORE_DOWN
from bot.chatops.forms.card_forms import submission_of
from bot.chatops.forms.controller import asked_first
from bot.chatops.forms.events import FormAnswer, ViewSubmission
from bot.chatops.forms.fields import Kind, as_typed, kind_of, values_of
from bot.chatops.forms.labels import words_of
from bot.chatops.forms.signing import STALE, Origin, verify
from bot.clustermgr.cluster import Cluster
from bot.common.errors import NotAllowed, Refused, UserError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.command import Args, Call, Caller, Reply
from bot.interactions.events import Invocation, Submission
from bot.interactions.message import Message
from bot.operations.change_request import ChangeRequest, policy_on
from bot.operations.policy import PolicyOf, ReasonMissing, refuse_proposal
from bot.operations.replacement_plan import Replacement
from bot.permissions.access import Access, lacking
from bot.permissions.roles import Rights, Role
from bot.views.blocks import clip, plain
from bot.views.card_forms import CARD_CALLBACK
from bot.views.code_forms import CODE_CALLBACK
from bot.views.errors import error_text
from bot.views.forms import CALLBACK, CLUSTER, FIELD, KIND, being_done, checking, notice

RIGHTS_SECONDS = 1.5
"""Seconds for the look-up of user groups, of the three that Slack waits; the look-up is repeated later."""
MAX_ERROR = 1000
_CHANGING = "The form was still being redrawn for this choice. Check its fields, then send it again."


@frozen
class _PolicyCheck:
    """Proposer that proposes nothing: it refuses what the policy refuses for another cause than rights.

    A refusal for lack of rights comes later from ProposalService, which also records it. `rights` are None while they
    are not known; then nothing is refused here.
    """

    policies: PolicyOf
    rights: Rights | None

    async def propose(self, caller: Caller, cluster: Cluster, change_request: ChangeRequest) -> Reply:
        """Check a change request; raises UserError."""
        if self.rights is None:
            return Reply(Message(""))
        forced = change_request.options.forced
        policy = policy_on(self.policies, cluster.name, change_request.request, change_request.options)
        refusal = refuse_proposal(
            policy, self.rights, channel=caller.channel, reason=change_request.reason, forced=forced
        )
        if isinstance(refusal, ReasonMissing):
            raise Refused(refusal).at("reason")
        return Reply(Message(""))

    async def replace(
        self, caller: Caller, cluster: Cluster, _wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        """Check a step of a replacement; raises UserError."""
        options = replace(change_request.options, policy="member_replace")
        return await self.propose(caller, cluster, replace(change_request, options=options))


@frozen
class FormValidator:
    """Validates a form by running its command with a Proposer that proposes nothing."""

    clusters: Mapping[str, Cluster]
    access: Access
    policies: PolicyOf
    call_of: Callable[[Invocation, str], Call]
    key: bytes
    record_refusal: RecordRefusal
    on_code: Callable[[ViewSubmission], Awaitable[FormAnswer]] | None = None
    """Reads the modal of a code."""

    async def validate(self, sent: ViewSubmission) -> FormAnswer:
        """Validate a form; returns its work if the change may be proposed."""
        if sent.view.callback == CARD_CALLBACK:
            return self._of_card(sent)
        if sent.view.callback == CODE_CALLBACK and self.on_code is not None:
            return await self.on_code(sent)
        try:
            origin = self._origin(sent)
        except UserError as error:
            return FormAnswer({"response_action": "update", "view": notice(Message(error_text(error)))})
        return await self._of_form(sent, origin)

    async def _of_form(self, sent: ViewSubmission, origin: Origin) -> FormAnswer:
        try:
            rights = await self._allowed(sent.user, origin)
        except NotAllowed as error:
            return await self._refused(sent, origin, error_text(error))
        try:
            work, kind = self._work(sent, origin)
            await self._rehearse(work, kind, validated(kind.command, work.values), rights)
        except UserError as error:
            return FormAnswer(_errors(sent, _in_words(origin.kind, error), error.argument))
        view = checking(work.cluster) if kind.listed else being_done()
        return FormAnswer({"response_action": "update", "view": view}, work)

    def _of_card(self, sent: ViewSubmission) -> FormAnswer:
        """Read the modal of a card; whether its person may decide is found when its command runs."""
        try:
            work = submission_of(sent, self.key)
        except UserError as error:
            if error.argument in sent.view.blocks:
                block = sent.view.blocks[error.argument]
                return FormAnswer({"response_action": "errors", "errors": {block: error_text(error)}})
            return FormAnswer({"response_action": "update", "view": notice(Message(error_text(error)))})
        return FormAnswer({"response_action": "update", "view": checking(f"operation #{work.values['id']}")}, work)

    async def _allowed(self, user: str, origin: Origin) -> Rights | None:
        """Return the rights of `user` on the form's cluster; raises NotAllowed without the role of its command.

        Return None if Slack is too slow, and for a form without a cluster: the command looks them up again.
        """
        kind = kind_of(origin.kind)
        role = kind.command.role if kind else Role.OPERATOR
        with suppress(TimeoutError):
            async with asyncio.timeout(RIGHTS_SECONDS):
                if kind is None or kind.of_cluster:
                    return await self._with_role(user, role, origin.cluster)
                if role is not Role.VIEWER:
                    await self.access.require_somewhere(user, role)
        return None

    async def _with_role(self, user: str, role: Role, cluster: str) -> Rights:
        rights = await self.access.rights(user, cluster)
        if (why := lacking(rights, role)) is not None:
            raise NotAllowed(why)
        return rights

    async def _refused(self, sent: ViewSubmission, origin: Origin, why: str) -> FormAnswer:
        """Refuse before the fields are validated, and record the refusal like that of a command."""
        asked = Invocation(sent.key, sent.user, origin.channel, f"do {origin.kind} (form)", "")
        await self.record_refusal(asked, origin.cluster if origin.cluster in self.clusters else "", why)
        return FormAnswer({"response_action": "update", "view": notice(Message(why))})

    def _origin(self, sent: ViewSubmission) -> Origin:
        if sent.view.callback != CALLBACK or not sent.view.blocks:
            raise UserError(STALE)
        return verify(sent.view.sealed, self.key, sent.user)

    def _work(self, sent: ViewSubmission, origin: Origin) -> tuple[Submission, Kind]:
        held = sent.view.values
        kind = kind_of(origin.kind)
        chosen = {KIND: origin.kind, CLUSTER: origin.cluster}
        if kind is None or any(held.get(name) != chosen[name] for name in asked_first(kind)):
            raise UserError(_CHANGING)
        cluster = configured(origin.cluster, tuple(self.clusters)) if kind.of_cluster else ""
        values = values_of(kind, held)
        work = Submission(
            key=origin.key(sent.view.id),
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
        if not kind.policies:
            # It proposes nothing: to run it would be the change itself.
            return
        call = replace(self.call_of(work.invocation, work.cluster), proposer=_PolicyCheck(self.policies, rights))
        async for _ in kind.command.run(call, args):
            pass


def _in_words(kind: str, error: UserError) -> str:
    """Return the sentence of an error with the label of its field in place of the argument's name."""
    sentence, name = error_text(error), error.argument
    if name and sentence.startswith(f"{name} cannot"):
        return f"{words_of(kind, name).label}{sentence[len(name) :]}"
    return sentence


def store_down(sent: ViewSubmission) -> JsonObject:
    """Return the acknowledgement of a form whose work could not be stored; the form stays open."""
    return _errors(sent, STORE_DOWN, "")


def _errors(sent: ViewSubmission, words: str, argument: str) -> JsonObject:
    blocks = sent.view.blocks
    action = CLUSTER if argument == "cluster" else f"{FIELD}{argument}"
    block = blocks.get(action) or blocks.get(KIND) or next(iter(blocks.values()))
    return {"response_action": "errors", "errors": {block: clip(plain(words), MAX_ERROR)}}
