"""From what Slack delivered to an answer: parse, authorise, run or decide; inbound work is done once.

Commands that read are run and never stored. Changing commands and clicks are persisted first (`accept`), then run
(`work`), and run again at the next start when the process died in between.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import structlog

from bot.alerting.rules.base import Rule
from bot.chatops.commands.arguments import validated
from bot.chatops.commands.cluster_names import configured
from bot.chatops.commands.parser import Parsed, addressed, is_changing, parse
from bot.common.errors import CmbotError, Fenced, NotAllowed, SlackError, StoreError, UserError
from bot.interactions.command import (
    AlertBook,
    AuditBook,
    Call,
    Caller,
    ClusterPort,
    Command,
    FileShare,
    FormPort,
    OperationBook,
    Proposer,
    Reply,
    ReportBook,
)
from bot.interactions.events import Click, Invocation, RunCommand, Submission, Work
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views import errors as error_views

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 30.0
"""How long one process may work on one inbound row before another takes it over."""

STORE_DOWN = (
    "cmbot cannot reach its own database just now, so nothing was changed and nothing was noted. "
    "Commands that only read still work. Try again in a minute."
)


_NAMES: Mapping[type[Work], str] = {Invocation: "command", Click: "click", Submission: "form"}
_WORKS: Mapping[str, type[Work]] = {kind.__name__: kind for kind in (Invocation, Click, Submission)}


class Responder(Protocol):
    """Answers by response_url; raises SlackError."""

    async def respond(self, response_url: str, reply: Reply, *, replace: bool = False) -> None:
        """Send `reply`; `replace` puts it in the place of the answer before."""


class ButtonHandler(Protocol):
    """What a click on a card leads to; returns what only the one who clicked is told, or None."""

    async def decide(self, click: Click) -> Reply | RunCommand | None:
        """Decide; raises UserError (told to the clicker), ClusterError or StoreError."""


class FormTeller(FormPort, Protocol):
    """Forms: opened by a command, answered when they were sent."""

    async def tell(self, work: Submission, reply: Reply) -> None:
        """Say what came of a form to whoever sent it; raises SlackError."""


class InboundStore(Protocol):
    """The slice of the store that inbound work needs."""

    async def accept(self, key: str, kind: str, payload: Mapping[str, Any]) -> bool:
        """Persist one piece of work; False when it had been accepted before. Raises StoreError."""

    def claimed(self, key: str, seconds: float) -> AbstractAsyncContextManager[bool]:
        """Take it to work on within the block; False when somebody has it or it is done. Raises StoreError."""

    async def done(self, key: str) -> None:
        """Mark it done; raises Fenced when another process has taken it over."""

    async def pending(self) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        """What was accepted and is neither done nor claimed: (key, kind, payload)."""


class AuditLogPort(AuditBook, Protocol):
    """The audit log: read by a command, written when somebody is refused. Writing never raises."""

    async def refused_command(self, invocation: Invocation, cluster: str, why: str) -> None:
        """Note a command of somebody who may not give it."""

    async def refused_click(self, click: Click, why: str) -> None:
        """Note a click that was refused."""


@dataclass(slots=True)
class Dispatcher:
    """Runs commands and clicks; holds no state of its own but the tasks under way."""

    commands: tuple[Command, ...]
    clusters: Mapping[str, ClusterPort]
    default_of_channel: Mapping[str, str]
    access: Access
    proposer: Proposer
    operations: OperationBook
    alerts: AlertBook
    reports: ReportBook
    decider: ButtonHandler
    responder: Responder
    forms: FormTeller
    inbound: InboundStore
    audit: AuditLogPort
    share: FileShare
    remembered: Callable[[str], Mapping[str, Any]]
    clock: Callable[[], float]
    ended: Callable[[str, str], None]
    """Told of each command that ended: its path or kind, and `answered`, `refused` or `crashed`."""
    answers_private: bool = False
    rules: Mapping[str, Sequence[Rule]] = field(default_factory=dict)
    docs_url: str = ""

    def changes(self, text: str) -> bool:
        """Whether this text must be persisted before it is acknowledged."""
        return is_changing(text)

    async def accept(self, work: Work) -> bool:
        """Persist `work`; False when it was delivered before. Raises StoreError."""
        return await self.inbound.accept(work.key, type(work).__name__, asdict(work))

    async def work(self, work: Work) -> None:
        """Carry out persisted work and mark it done; whoever holds the claim does it."""
        try:
            async with self.inbound.claimed(work.key, CLAIM_SECONDS) as ours:
                if ours:
                    await self.read(work)
                    await self.inbound.done(work.key)
        except Fenced as error:
            log.warning("inbound.taken_over", key=work.key, error=str(error))
        except StoreError as error:
            log.warning("inbound.unfinished", key=work.key, error=str(error))

    async def resume(self) -> int:
        """Carry out what an earlier process accepted and did not finish; returns how many pieces."""
        pending = await self.inbound.pending()
        for _, kind, payload in pending:
            await self.work(_WORKS[kind](**payload))
        return len(pending)

    async def read(self, work: Work) -> None:
        """Run without persisting: commands that only read, and the body of `work`."""
        if isinstance(work, Click):
            await self._answer(work, self._click(work))
        else:
            await self._answer(work, self._command(work) if isinstance(work, Invocation) else self._form(work))

    async def _answer(self, work: Work, replies: AsyncIterator[Reply]) -> None:
        first = True
        try:
            async for reply in self._guarded(work, replies):
                if isinstance(work, Submission):
                    await self.forms.tell(work, reply)
                else:
                    await self.responder.respond(work.response_url, reply, replace=not first)
                first = False
        except SlackError as error:
            log.warning("answer.lost", user=work.user, error=str(error), code=error.code)

    async def _guarded(self, work: Work, replies: AsyncIterator[Reply]) -> AsyncIterator[Reply]:
        kind = _NAMES[type(work)]
        try:
            async for reply in replies:
                yield reply
            self.ended(kind, "answered")
        except (SlackError, Fenced):
            # Lost, or for another process to do: either way there is nothing to answer from here.
            raise
        except CmbotError as error:
            log.info("answer.refused", user=work.user, kind=type(error).__name__, error=str(error))
            self.ended(kind, "refused")
            yield Reply(error_views.sentence(error))
        except asyncio.CancelledError:
            raise
        except Exception:  # the command edge: one of the three broad excepts of this program
            log.exception("command.crashed", user=work.user, work=type(work).__name__)
            self.ended(kind, "crashed")
            yield Reply(error_views.crashed())

    async def _command(self, invocation: Invocation) -> AsyncIterator[Reply]:
        clusters, default = tuple(self.clusters), self.default_of_channel.get(invocation.channel)
        try:
            parsed = parse(invocation.text, self.commands, clusters=clusters, default_cluster=default)
        except UserError:
            meant = addressed(invocation.text, self.commands, clusters=clusters, default_cluster=default)
            await self._rights_first(invocation, *meant)
            raise
        async for reply in self._audited(invocation, parsed):
            yield reply

    async def _form(self, form: Submission) -> AsyncIterator[Reply]:
        """The command that the form stands for, its arguments checked once more: the settings may have changed."""
        command = next((each for each in self.commands if " ".join(each.path) == form.command), None)
        if command is None:
            raise UserError("This form is of another version of cmbot: open it anew with /cm do.")
        try:
            cluster = configured(form.cluster, tuple(self.clusters))
            parsed = Parsed(command, validated(command, form.values), cluster)
        except UserError:
            await self._rights_first(form.invocation, command, form.cluster)
            raise
        async for reply in self._audited(form.invocation, parsed):
            yield reply

    async def _rights_first(self, invocation: Invocation, command: Command | None, cluster: str) -> None:
        """Raise NotAllowed, and note it, when who may not give the command gave it wrongly.

        What is wrong with it is for those to know who may give it.
        """
        if command is None:
            return
        try:
            await self._allowed(invocation.user, command, cluster)
        except NotAllowed as error:
            await self.audit.refused_command(invocation, cluster, str(error))
            raise

    async def _allowed(self, user: str, command: Command, cluster: str) -> None:
        """Raise NotAllowed unless `user` may give the command, there; "" asks whether they may anywhere."""
        if command.role is Role.VIEWER:
            return
        if cluster:
            await self.access.require(user, command.role, cluster)
        else:
            await self.access.require_somewhere(user, command.role)

    async def _audited(self, invocation: Invocation, parsed: Parsed) -> AsyncIterator[Reply]:
        try:
            async for reply in self._run(invocation, parsed):
                yield reply
        except NotAllowed as error:
            await self.audit.refused_command(invocation, parsed.cluster or "", str(error))
            raise
        except UserError:
            if parsed.command.opens:
                await self._rights_first(invocation, parsed.command, parsed.cluster or "")
            raise

    async def _run(self, invocation: Invocation, parsed: Parsed) -> AsyncIterator[Reply]:
        if not parsed.command.opens:
            await self._allowed(invocation.user, parsed.command, parsed.cluster or "")
        if getattr(parsed.args, "force", "no") == "yes":
            await self.access.require(invocation.user, Role.BREAKER, parsed.cluster or "")
        call = self.call_of(invocation, parsed.cluster or "")
        async for reply in parsed.command.run(call, parsed.args):
            yield Reply(reply.message, private=reply.private or self.answers_private)

    def call_of(self, invocation: Invocation, cluster: str) -> Call:
        """All that a command is handed that was typed so, for that cluster ("" for none)."""
        return Call(
            caller=Caller(invocation.user, invocation.channel, invocation.key, invocation.response_url),
            clusters=self.clusters,
            cluster=self.clusters[cluster] if cluster else None,
            now=self.clock(),
            proposer=self.proposer,
            operations=self.operations,
            standing=self.access,
            alerts=self.alerts,
            reports=self.reports,
            remembered=self.remembered,
            audit=self.audit,
            share=None if self.answers_private else self.share,
            forms=self.forms,
            rules=lambda name: self.rules.get(name, ()),
            docs_url=self.docs_url,
        )

    async def _click(self, click: Click) -> AsyncIterator[Reply]:
        try:
            reply = await self.decider.decide(click)
        except UserError as error:
            await self.audit.refused_click(click, str(error))
            raise
        if isinstance(reply, RunCommand):
            reply = await self._typed(click, reply.text)
        if reply is not None:
            yield reply

    async def _typed(self, click: Click, text: str) -> Reply | None:
        """Run a command for a click: its last answer only, and to the clicker alone.

        One answer must not take the place of another here: at a click's response_url that would be the card.
        """
        last: Reply | None = None
        async for reply in self._command(Invocation(click.key, click.user, click.channel, text, click.response_url)):
            last = Reply(reply.message)
        return last


Background = Callable[[Awaitable[None]], None]
"""Runs an awaitable beside the listener and keeps hold of it until it ended."""
