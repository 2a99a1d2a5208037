"""Dispatcher: authorise, run, audit and answer what Slack delivered, and what agents propose.

Commands that only read run at once and are never stored. Changing commands, clicks and forms are stored first
(`accept`) and then run (`work`). When the process dies in between, the next start runs them again (`resume`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.rules.base import Rule
from bot.alerting.windows import Window
from bot.chatops.agent_proposals import AgentProposals
from bot.chatops.audit_log import AuditLog
from bot.chatops.button_router import ButtonRouter
from bot.chatops.command_request import CommandRequest, submitted, typed
from bot.chatops.forms.code_forms import CodeForms, asked_for
from bot.chatops.forms.controller import Forms
from bot.chatops.guidance import is_asked_change, offer, opened_form
from bot.chatops.inbox import Inbox, is_left_to_the_row
from bot.chatops.modal_answer import DetailsMemory, ModalAnswer
from bot.chatops.slack_gateway import SlackGateway
from bot.clustermgr.cluster import Cluster
from bot.common.errors import ClusterError, CmbotError, Fenced, NotAllowed, SlackError, StoreError, UserError
from bot.interactions.command import (
    AlertBook,
    Call,
    Caller,
    Command,
    NoteBook,
    OperationBook,
    Proposer,
    Reply,
    ReportBook,
    TimelineBook,
)
from bot.interactions.events import AgentProposal, Click, Invocation, RunCommand, Submission, Work
from bot.interactions.message import Message
from bot.interactions.reload import SettingsPort
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.telemetry.trace import trace_of, within
from bot.telemetry.tracer import NO_TRACER, Tracer, TraceSpan
from bot.views import errors as error_views
from bot.views.details import as_shown, newer

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 30.0
"""Seconds for which one process claims a stored row; then another process may take the row over."""

STORE_DOWN = (
    "Nothing was changed or saved, because cmbot cannot reach its database. "
    "Commands that only read still work. Try again in a minute."
)

_KINDS: Mapping[type[Work], str] = {
    Invocation: "command",
    Click: "click",
    Submission: "form",
    AgentProposal: "agent",
}

Answer = Callable[[Reply], Awaitable[None]]
"""Sends one answer in the place of the answer before; raises SlackError."""


@dataclass(slots=True)
class Dispatcher:
    """Runs commands, clicks and forms."""

    commands: tuple[Command, ...]
    clusters: Mapping[str, Cluster]
    default_of_channel: Mapping[str, str]
    access: Access
    proposer: Proposer
    operations: OperationBook
    alerts: AlertBook
    reports: ReportBook
    buttons: ButtonRouter
    slack: SlackGateway
    forms: Forms
    inbox: Inbox
    audit: AuditLog
    remembered: Callable[[str], ClusterNote]
    clock: Callable[[], float]
    ended: Callable[[str, str], None]
    """Called when work ends, with its kind (one of `_KINDS`) and `answered`, `refused` or `crashed`."""
    answers_private: bool = False
    rules: Mapping[str, Sequence[Rule]] = field(default_factory=dict)
    docs_url: str = ""
    zone_of: Callable[[str], str] = lambda _: "UTC"
    windows: Mapping[str, Sequence[Window]] = field(default_factory=dict)
    notes: NoteBook | None = None
    timelines: TimelineBook | None = None
    settings: SettingsPort | None = None
    codes: CodeForms | None = None
    agents: AgentProposals | None = None
    """Takes the proposals of agents."""
    details: DetailsMemory = field(default_factory=DetailsMemory)
    tracer: Tracer = NO_TRACER
    _resumed: set[str] = field(default_factory=set)

    async def accept(self, work: Work) -> bool:
        """Store `work`; False if the same delivery is stored already. Raises StoreError."""
        return await self.inbox.accept(work)

    async def work(self, work: Work) -> None:
        """Execute stored work and mark it done, unless another process has claimed it."""
        with within(trace_of(work.key)):
            try:
                async with self.inbox.claimed(work.key, CLAIM_SECONDS) as ours:
                    if ours:
                        await self.execute(work)
                        await self.inbox.done(work.key)
            except Fenced as error:
                log.warning("inbound.taken_over", key=work.key, error=str(error))
            except StoreError as error:
                log.warning("inbound.unfinished", key=work.key, error=str(error))

    async def resume(self) -> int:
        """Execute what an earlier process stored and did not finish; returns the number of pieces of work."""
        pending = await self.inbox.pending()
        for work in pending:
            self._resumed.add(work.key)
            try:
                await self.work(work)
            finally:
                self._resumed.discard(work.key)
        return len(pending)

    async def execute(self, work: Work) -> None:
        """Authorise the work, run it, audit a refusal, and answer. Raises Fenced when another process took over.

        A click is decided first; some clicks stand for a command, which then takes the same way.
        """
        with within(trace_of(work.key)):
            await self._execute(work, self._answer_to(work))
            if isinstance(work, Click) and not work.response_url:
                await self.forms.home(work.user)

    async def answer_in_thread(self, asked: Invocation, answer: Answer, thread: str) -> None:
        """Answer what was asked by mention, in the thread `thread`; nothing is changed and nothing stored."""
        with within(trace_of(asked.key)):
            await self._execute(asked, answer, thread)

    async def _execute(self, work: Work, answer: Answer, thread: str = "") -> None:
        with self.tracer.span(_KINDS[type(work)], "consumer") as span:
            await self._traced(work, answer, thread, span)

    async def _traced(self, work: Work, answer: Answer, thread: str, span: TraceSpan) -> None:
        request = None
        try:
            request = await self._asked(work, answer)
            if request is not None:
                span.note(cluster=request.cluster, command=" ".join(request.command.path) if request.command else "")
            if request is not None and not await self._guided(request := replace(request, thread=thread), answer):
                await self._authorise(request)
                if not await self._code_missing(request, answer):
                    await self._run(request, answer)
            self.ended(_KINDS[type(work)], "answered")
        except SlackError as error:
            _log_lost(work, error)
        except CmbotError as error:
            if is_left_to_the_row(work, error):
                raise
            span.note(refused=type(error).__name__)
            log.info("answer.refused", user=work.user, kind=type(error).__name__, error=error_views.error_text(error))
            await self._audit(work, request, error)
            self.ended(_KINDS[type(work)], "refused")
            again = isinstance(error, UserError | ClusterError) and not isinstance(error, NotAllowed)
            await _answer_last(work, answer, Reply(error_views.sentence(error), keeps_form=again))
        except Exception:  # the edge of commands: the person gets an answer
            span.fail("crashed")
            log.exception("command.crashed", user=work.user, work=type(work).__name__)
            self.ended(_KINDS[type(work)], "crashed")
            await _answer_last(work, answer, Reply(error_views.crashed()))

    def _answer_to(self, work: Work) -> Answer:
        first = True

        async def answer(reply: Reply) -> None:
            nonlocal first
            if isinstance(work, AgentProposal):
                await self._agents.answer(work, reply)
            elif isinstance(work, Submission):
                await self.forms.answer(work, reply)
            elif isinstance(work, Click) and not work.response_url:
                # A click in the Home tab has no channel.
                await self.slack.post(work.user, reply.message)
            else:
                await self.slack.respond(work.response_url, reply, replace=not first)
            first = False

        return answer

    async def _decide(self, click: Click, answer: Answer) -> CommandRequest | None:
        """Carry out a click; returns the command that the click stands for, None if it stands for none."""
        reply = await self.buttons.decide(click)
        if isinstance(reply, RunCommand):
            invocation = Invocation(click.key, click.user, click.channel, reply.text, click.response_url)
            # What an earlier process left is too old to open a modal.
            title = "" if click.key in self._resumed else reply.title
            request = self._typed(invocation, single=True)
            return replace(request, title=title, details=reply.details, at=reply.at)
        if reply is not None:
            await answer(reply)
        return None

    async def _asked(self, work: Work, answer: Answer) -> CommandRequest | None:
        """Return the command that work stands for, None for a click that is carried out already."""
        if isinstance(work, Click):
            return await self._decide(work, answer)
        if isinstance(work, AgentProposal):
            return await self._agents.request(work)
        if isinstance(work, Submission):
            return submitted(work, self.commands, tuple(self.clusters), self._default(work.invocation))
        return self._typed(work)

    @property
    def _agents(self) -> AgentProposals:
        if self.agents is None:
            raise AssertionError("no program of cmbot runs without what takes proposals of agents")
        return self.agents

    def _typed(self, invocation: Invocation, *, single: bool = False) -> CommandRequest:
        return typed(invocation, self.commands, tuple(self.clusters), self._default(invocation), single=single)

    def _default(self, invocation: Invocation) -> str | None:
        return self.default_of_channel.get(invocation.channel)

    async def _guided(self, request: CommandRequest, answer: Answer) -> bool:
        """Answer a change that cannot run as it was given; False for any other command (see guidance.py)."""
        command, asked = request.command, request.invocation
        if request.form:
            return False
        if not request.thread:
            fault = None if asked.key in self._resumed else request.fault
            return await opened_form(self.forms, self._caller(request), command, fault)
        if command is None or not is_asked_change(command, request.fault):
            return False
        await self._require_role(asked.user, command, request.cluster)
        await answer(offer(asked, command, request.fault))
        return True

    async def _authorise(self, request: CommandRequest) -> None:
        """Raise NotAllowed without the right to the command; then raise what is wrong with its text.

        Only those who may give a command learn what is wrong with it. Slack lets a form open for three seconds only,
        so a command that opens one checks the right itself, once the form is open.
        """
        if request.command is not None and (request.fault or not request.command.opens):
            await self._require_role(request.invocation.user, request.command, request.cluster)
        if request.fault is not None:
            raise request.fault
        if getattr(request.args, "force", "no") == "yes":
            await self.access.require(request.invocation.user, Role.BREAKER, request.cluster)

    async def _code_missing(self, request: CommandRequest, answer: Answer) -> bool:
        """Ask for the code of break-glass; False if none is needed, or it was typed for this command."""
        args, asked = request.args, request.invocation
        forced = getattr(args, "force", "no") == "yes" and getattr(args, "dry_run", "no") != "yes"
        if not forced or request.proven or self.codes is None:
            return False
        if not await self.codes.codes.wanted(asked.user, request.cluster):
            return False
        if not request.form and not request.single and asked.key not in self._resumed:
            try:
                await self.codes.open(asked, request.cluster)
            except SlackError as error:
                log.info("code.form_not_opened", user=asked.user, code=error.code)
            else:
                return True
        await answer(Reply(asked_for(asked, request.cluster)))
        return True

    async def _require_role(self, user: str, command: Command, cluster: str) -> None:
        """Raise NotAllowed unless `user` may give the command on that cluster, or on any if `cluster` is ""."""
        if command.role is Role.VIEWER:
            return
        if cluster:
            await self.access.require(user, command.role, cluster)
        else:
            await self.access.require_somewhere(user, command.role)

    async def _run(self, request: CommandRequest, answer: Answer) -> None:
        """Run the command and send its answers.

        A command is a generator: it may answer early and then better. The generator is consumed here and nowhere else.
        """
        command, last = _known(request.command), None
        modal = ModalAnswer(self.slack, request.invocation.key, request.title)
        if await self._remembered(request, modal, answer):
            return
        try:
            async for reply in command.run(self._call(self._caller(request), request.cluster), request.args):
                self.details.keep(reply.details)
                if request.single:
                    last = newer(reply.message, request.at) if request.details else reply.message
                    if modal.opened:
                        await modal.show(last)
                else:
                    await answer(replace(reply, private=reply.private or self.answers_private))
        except CmbotError as error:
            if modal.opened:
                await modal.show(error_views.sentence(error))
            if isinstance(error, UserError) and command.opens and not isinstance(error, NotAllowed):
                # No form opened, so the right was not checked yet.
                await self._require_role(request.invocation.user, command, request.cluster)
            raise
        if last is not None and not modal.opened:
            await _show(last, modal, answer)

    async def _remembered(self, request: CommandRequest, modal: ModalAnswer, answer: Answer) -> bool:
        """Show the details that a click asks for, if they are remembered; else open the modal to fill."""
        if not request.details:
            return False
        kept = self.details.recall(request.details)
        if kept is None:
            await modal.wait(request.cluster)
        else:
            await _show(as_shown(kept, request.at), modal, answer)
        return kept is not None

    async def _audit(self, work: Work, request: CommandRequest | None, error: CmbotError) -> None:
        """Record a click and a proposal of an agent that was refused, and a command without the right to give it."""
        if isinstance(work, AgentProposal):
            await self._agents.refused(work, error_views.error_text(error))
        elif request is not None and isinstance(error, NotAllowed):
            await self.audit.refused_command(request.invocation, request.cluster, error_views.error_text(error))
        elif request is None and isinstance(work, Click) and isinstance(error, UserError):
            await self.audit.refused_click(work, error_views.error_text(error))

    def call_of(self, invocation: Invocation, cluster: str) -> Call:
        """Return what the command of `invocation` needs to run for that cluster ("" for none)."""
        return self._call(self._caller(CommandRequest(invocation, None)), cluster)

    def _caller(self, request: CommandRequest) -> Caller:
        asked = request.invocation
        return Caller(
            asked.user, asked.channel, asked.key, asked.response_url, request.thread, request.proven, request.agent
        )

    def _call(self, caller: Caller, cluster: str) -> Call:
        return Call(
            caller=caller,
            clusters=self.clusters,
            cluster=self.clusters[cluster] if cluster else None,
            now=self.clock(),
            proposer=self.proposer,
            operations=self.operations,
            access=self.access,
            alerts=self.alerts,
            reports=self.reports,
            remembered=self.remembered,
            audit=self.audit,
            share=None if self.answers_private else self.slack,
            forms=self.forms,
            rules=lambda name: self.rules.get(name, ()),
            docs_url=self.docs_url,
            zone_of=self.zone_of,
            windows=lambda name: self.windows.get(name, ()),
            notes=self.notes,
            timelines=self.timelines,
            settings=self.settings,
        )


def _known(command: Command | None) -> Command:
    if command is None:
        raise AssertionError("a request without a command has a fault")
    return command


async def _show(message: Message, modal: ModalAnswer, answer: Answer) -> None:
    """Show an answer as a modal, else as a private message: without a title, and if Slack opens no modal."""
    if not await modal.show(message):
        await answer(Reply(message))


async def _answer_last(work: Work, answer: Answer, reply: Reply) -> None:
    try:
        await answer(reply)
    except SlackError as error:
        _log_lost(work, error)


def _log_lost(work: Work, error: SlackError) -> None:
    log.warning("answer.lost", user=work.user, error=str(error), code=error.code)
