"""Forms: opened at once, filled from the cluster, redrawn, and answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import structlog

from bot.alerting.cluster_state.state import ClusterNote
from bot.chatops.audit_log import RecordRefusal
from bot.chatops.forms.choices import Offers, read
from bot.chatops.forms.code_forms import asked_by, form_of
from bot.chatops.forms.events import ViewAction
from bot.chatops.forms.fields import (
    KINDS,
    REASON,
    FormContext,
    Kind,
    cut_to_fields,
    entries,
    filled,
    given_values,
    kind_of,
    lost_values,
    wants,
    wants_service,
)
from bot.chatops.forms.labels import WORDINGS
from bot.chatops.forms.signing import Origin, attempts_of, fitting, is_form, sign, verify
from bot.chatops.forms.stored_choices import STORED, ChoiceQuery, StoredChoices, as_offered
from bot.chatops.forms.view_versions import ViewVersions
from bot.chatops.forms.wanted import wanted_form
from bot.chatops.slack_gateway import SlackGateway
from bot.clustermgr.cluster import Cluster
from bot.common.errors import CmbotError, NotAllowed, SlackError, UserError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.command import NOTHING_GIVEN, Caller, Reply, offered
from bot.interactions.events import Click, Invocation, Submission
from bot.interactions.message import Message
from bot.operations.policy import PolicyOf
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views import errors as error_views
from bot.views.alert_actions import FORM_NEXT
from bot.views.code_forms import CODE_BUTTON
from bot.views.forms import CLUSTER, GIVEN_LOST, KIND, NOT_OPERATED, Form, form, loading, notice
from bot.views.home import CHANGE, STATUS
from bot.views.inputs import Choice
from bot.views.stat_details import stat_in_full

log = structlog.get_logger(__name__)

_NOT_FORCED = False
_OPEN_ONES = "what is open"


@frozen
class Forms:
    """Opens forms for commands (`FormPort`) and views, redraws them, and answers those that were sent."""

    clusters: Mapping[str, Cluster]
    access: Access
    policies: PolicyOf
    remembered: Callable[[str], ClusterNote]
    slack: SlackGateway
    screens: ViewVersions
    record_refusal: RecordRefusal
    home: Callable[[str], Awaitable[None]]
    """Publishes the Home tab of a person."""
    stored: StoredChoices
    key: bytes

    async def open(self, caller: Caller, kind: str, cluster: str, given: Mapping[str, str] = NOTHING_GIVEN) -> None:
        """Open the form, filled with `given`.

        Raises NotAllowed after showing the refusal in the form, UserError if Slack opens none.
        """
        known = kind_of(kind)
        origin = _origin(caller, known, cluster, given)
        reads = cluster if known is None or known.of_cluster else _OPEN_ONES
        view_id, turn = await self._opened(caller.key, loading(reads))
        try:
            await self.may_open(caller.user, kind, cluster)
        except NotAllowed as error:
            await self.screens.show(view_id, turn, notice(error_views.sentence(error)))
            raise
        await self.screens.show(view_id, turn, await self.drawn(origin, given))

    async def may_open(self, user: str, kind: str, cluster: str) -> None:
        """Raise NotAllowed unless the person has the role of the command, as an operator of a change to be chosen."""
        known = kind_of(kind)
        await self.may_change(user, cluster, known.command.role if known else Role.OPERATOR)

    async def may_change(self, user: str, cluster: str, role: Role = Role.OPERATOR) -> None:
        """Raise NotAllowed unless the person has the role on the cluster, or on any for one that is not known."""
        if role is Role.VIEWER:
            return
        if cluster in self.clusters:
            await self.access.require(user, role, cluster)
        else:
            await self.access.require_somewhere(user, role)

    async def _opened(self, trigger: str, view: JsonObject) -> tuple[str, int]:
        try:
            shown = await self.slack.open_view(trigger, view)
        except SlackError as error:
            raise UserError(f"Slack did not open the form ({error.code or 'no answer'}). Try again.") from error
        return shown.id, self.screens.turn(shown.id, shown.hash)

    async def drawn(
        self,
        origin: Origin,
        given: Mapping[str, str] = NOTHING_GIVEN,
        outcome: Message | None = None,
        found: Message | None = None,
    ) -> JsonObject:
        """Return the form, filled with `given`, below an `outcome` of it and above what a check `found`, if any."""
        kind, cluster = kind_of(origin.kind), self.clusters.get(origin.cluster)
        asks = asked_first(kind)
        operated = await self.access.of_clusters(origin.user, Role.OPERATOR, tuple(self.clusters))
        shown = Form(
            kinds=[each.choice for each in KINDS],
            kind=kind.key if kind else "",
            clusters=[Choice(name, name, self.remembered(name).level) for name in operated],
            cluster=cluster.name if cluster else "",
            sealed=sign(origin, self.key),
            wording=WORDINGS.get(kind.key) if kind else None,
            outcome=outcome,
            found=found,
            asks=asks,
            notes=(GIVEN_LOST,) if origin.given and not fitting(origin).given else (),
            nothing=NOT_OPERATED if CLUSTER in asks and not operated else "",
        )
        if shown.nothing or kind is None or (kind.of_cluster and cluster is None):
            return form(shown)
        return form(await self._filled(shown, origin, kind, cluster, given))

    async def _filled(
        self, shown: Form, origin: Origin, kind: Kind, cluster: Cluster | None, given: Mapping[str, str]
    ) -> Form:
        given = _in_fields(origin, kind, given)
        name = cluster.name if cluster else ""
        offers = await self._offers(origin, kind, cluster, given)
        rights = await self.access.rights(origin.user, name)
        policy = self.policies(name, kind.policies, _NOT_FORCED) if kind.policies else None
        known = FormContext(
            cluster=name,
            offers=offers.choices,
            may_force=rights.has(Role.BREAKER),
            needs_reason=policy is not None and policy.reason == "required",
            dialect_known=offers.dialect_known,
            needs_service=offers.needs_service,
        )
        asked = entries(kind, known)
        lost = tuple(lost_values(asked, given))
        notes = (kind.command.summary, *offers.notes, *lost)
        return replace(shown, entries=tuple(filled(asked, given)), notes=notes, nothing=offers.nothing)

    async def _offers(self, origin: Origin, kind: Kind, cluster: Cluster | None, given: Mapping[str, str]) -> Offers:
        """Read the choices: those of one list that is stored, or those of the cluster."""
        wanted = wants(kind)
        for offer in wanted & STORED:
            named = next(name for name, info in kind.command.args.typed().items() if offered(info) is offer)
            asked = ChoiceQuery(origin.user, cluster.name if cluster else "", given.get(named, ""))
            return await self.stored.read(offer, asked)
        return await read(cluster, wanted, service=wants_service(kind)) if cluster else Offers()

    async def acted(self, act: ViewAction) -> None:
        """Handle a click or a choice in a view; a refusal is shown in the modal."""
        try:
            await self._acted(act)
        except CmbotError as error:
            log.info("form.refused", user=act.user, kind=type(error).__name__, error=error_views.error_text(error))
            if isinstance(error, NotAllowed):
                command = Invocation(act.key, act.user, "", f"do ({act.action_id[:40]})", "")
                await self.record_refusal(command, self._cluster_of(act), error_views.error_text(error))
            if act.action_id in {KIND, CLUSTER}:
                turn = self.screens.turn(act.view.id, act.view.hash)
                await self.screens.show(act.view.id, turn, notice(error_views.sentence(error)))

    def _cluster_of(self, act: ViewAction) -> str:
        named = act.view.values.get(CLUSTER, "") if act.action_id == KIND else act.value
        return named if named in self.clusters else ""

    async def _acted(self, act: ViewAction) -> None:
        if act.action_id in {KIND, CLUSTER}:
            await self._redraw(act)
        elif act.action_id.startswith(CHANGE):
            await self.open(Caller(act.user, "", act.key), "", act.value)
        elif act.action_id == FORM_NEXT:
            await self._turn_into_form(act)
        elif act.action_id == CODE_BUTTON:
            turn = self.screens.turn(act.view.id, act.view.hash)
            asked, cluster = asked_by(Click(act.key, act.user, "", act.action_id, act.value, "", ""))
            await self.screens.show(act.view.id, turn, form_of(asked, cluster, self.key))
        elif act.action_id.startswith(STATUS):
            await self._status(act)
        else:
            log.debug("form.passed_over", action=act.action_id[:40])

    async def _redraw(self, act: ViewAction) -> None:
        origin = verify(act.view.sealed, self.key, act.user)
        turn = self.screens.turn(act.view.id, act.view.hash)
        held = {**act.view.values, act.action_id: act.value}
        asks = asked_first(kind_of(origin.kind))
        kind = held.get(KIND, "") if KIND in asks else origin.kind
        given = origin.given if kind == origin.kind else NOTHING_GIVEN
        wanted = replace(origin, kind=kind, cluster=held.get(CLUSTER, ""), given=dict(given))
        await self.may_open(act.user, kind, wanted.cluster)
        await self.screens.show(act.view.id, turn, await self.drawn(wanted, given))

    async def _turn_into_form(self, act: ViewAction) -> None:
        """Show the form of a change in place of the modal whose button was clicked."""
        wanted = wanted_form(act.value)
        turn = self.screens.turn(act.view.id, act.view.hash)
        origin = Origin(act.user, "", "", wanted.kind, wanted.cluster)
        try:
            await self.may_open(act.user, wanted.kind, wanted.cluster)
        except NotAllowed as error:
            await self.screens.show(act.view.id, turn, notice(error_views.sentence(error)))
            raise
        await self.screens.show(act.view.id, turn, await self.drawn(origin, wanted.given))

    async def _status(self, act: ViewAction) -> None:
        view_id, turn = await self._opened(act.key, loading(act.value[:80]))
        cluster = self.clusters.get(act.value)
        if cluster is None:
            gone = "That cluster is no longer configured. Open this tab again."
            await self.screens.show(view_id, turn, notice(Message(gone)))
            return
        first = True
        async for snapshot in cluster.snapshots():
            await self.screens.show(view_id, turn, notice(stat_in_full(snapshot, may_grow=first), cluster.name))
            first = False

    async def answer(self, work: Submission, reply: Reply) -> None:
        """Show the outcome in the form while it is open, and where the form was opened from; raises SlackError.

        If an open form keeps its fields again, the answer is shown there alone: a response_url takes five answers.
        """
        shown = await self._shown(work.view_id, await self._outcome(work, reply))
        if shown and reply.keeps_form and attempts_of(work.key):
            return
        if work.response_url:
            await self.slack.respond(work.response_url, reply)
            return
        await self.home(work.user)
        if not shown:
            await self.slack.post(work.user, reply.message)

    async def _outcome(self, work: Submission, reply: Reply) -> JsonObject:
        """Return the answer as a modal: with the fields as they were filled, if nothing came of the form."""
        kind = kind_of(work.command) if reply.keeps_form and is_form(work.key) else None
        if kind is None:
            return notice(reply.message)
        origin = Origin(work.user, work.channel, work.response_url, kind.key, work.cluster, attempts_of(work.key) + 1)
        # A dry run is not repeated: to send the form again means the change.
        given = {name: value for name, value in work.values.items() if name != "dry_run"}
        return await self.drawn(origin, given, reply.message)

    async def _shown(self, view_id: str, content: JsonObject) -> bool:
        self.screens.turn(view_id, "")
        try:
            await self.slack.update_view(view_id, content)
        except SlackError as error:
            # The person has probably closed the form.
            log.info("form.answer_elsewhere", view=view_id, code=error.code)
            return False
        return True


def _origin(caller: Caller, kind: Kind | None, cluster: str, given: Mapping[str, str]) -> Origin:
    """Return the origin of a form that opens, with what cannot be filled in before the change or cluster is chosen."""
    reason = "" if kind else given.get(REASON, "")
    kept = dict(cut_to_fields(kind, given)) if kind and kind.of_cluster and not cluster else {}
    named = kind.key if kind else ""
    return Origin(caller.user, caller.channel, caller.answer_to, named, cluster, reason=reason, given=kept)


def asked_first(kind: Kind | None) -> frozenset[str]:
    """Return the choices that the form of a kind begins with: of the change, of the cluster."""
    asks = {KIND: kind is None or kind.listed, CLUSTER: kind is None or kind.of_cluster}
    return frozenset(name for name, asked in asks.items() if asked)


def _in_fields(origin: Origin, kind: Kind, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return what fills the fields, each value in the spelling of its field."""
    held = {REASON: origin.reason, **given} if origin.reason else given
    typed = kind.command.args.typed()
    spelled = {name: as_offered(offered(typed[name]), value) for name, value in held.items() if name in typed}
    return given_values(kind, spelled)
