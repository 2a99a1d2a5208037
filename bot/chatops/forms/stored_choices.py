"""Choices of a form that are stored: alerts, rules, silences and operations, or a note if they must be typed.

Each list has only what its person may act on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import Protocol, TypeVar

from bot.alerting.model import Alert, AlertState
from bot.alerting.rules.table import RULES
from bot.chatops.forms.choices import READ_SECONDS, Offers
from bot.common.errors import StoreError, UserError
from bot.common.frozen import frozen
from bot.interactions.command import AlertBook, Offer, OperationBook
from bot.interactions.notes import NoteKind, NoteSubject, subject_named
from bot.operations.change_request import policy_on
from bot.operations.decisions import Act, refuse_decision
from bot.operations.model import Operation, OpState
from bot.operations.policy import PolicyOf
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views import form_choices as views
from bot.views.inputs import MAX_OPTIONS, Choice

MAX_NOTED_OPERATIONS = 30
"""Operations among the subjects of a note."""


class _OfCluster(Protocol):
    @property
    def cluster(self) -> str: ...


T = TypeVar("T", bound=_OfCluster)


@frozen
class ChoiceQuery:
    """The person, the cluster of the form ("": of all clusters), and the value that the field has already."""

    user: str
    cluster: str = ""
    given: str = ""


@frozen
class StoredChoices:
    """Reads the choices from the books of alerts and operations; `clusters` are the configured ones."""

    alerts: AlertBook
    operations: OperationBook
    access: Access
    policies: PolicyOf
    clock: Callable[[], float]
    clusters: Sequence[str] = field(default=())

    async def read(self, offer: Offer, asked: ChoiceQuery, *, within: float = READ_SECONDS) -> Offers:
        """Return the choices; a note instead of them if the database does not answer in time."""
        try:
            async with asyncio.timeout(within):
                return await _READERS[offer](self, asked)
        except (StoreError, TimeoutError):
            if offer is Offer.RULE:
                return Offers({offer: views.rule_choices(RULES, ())}, (views.RULES_UNREAD,))
            return Offers(notes=(views.to_be_typed(offer),))

    async def _operated(self, found: Iterable[T], user: str, role: Role = Role.OPERATOR) -> list[T]:
        """Return what belongs to a configured cluster on which the person holds the role."""
        known = [each for each in found if each.cluster in self.clusters]
        allowed = await self.access.of_clusters(user, role, tuple(dict.fromkeys(each.cluster for each in known)))
        return [each for each in known if each.cluster in allowed]

    async def open_alerts(self, asked: ChoiceQuery) -> Offers:
        """Offer the open alerts that the person does not hold."""
        found = await self.alerts.open()
        own = await self._operated(found, asked.user)
        free = [alert for alert in own if not _held(alert, asked.user)]
        nothing = views.ALL_YOURS if own else views.NOT_YOURS if found else views.NO_ALERT
        return self._of_alerts(Offer.OPEN_ALERT, free, asked, nothing)

    async def held_alerts(self, asked: ChoiceQuery) -> Offers:
        """Offer the alerts that the person holds."""
        own = await self._operated(await self.alerts.open(), asked.user)
        held = [alert for alert in own if _held(alert, asked.user)]
        return self._of_alerts(Offer.HELD_ALERT, held, asked, views.NONE_HELD)

    def _of_alerts(self, offer: Offer, found: Sequence[Alert], asked: ChoiceQuery, nothing: str) -> Offers:
        now = self.clock()
        return _offered(offer, [views.alert_choice(alert, asked.user, now) for alert in found], nothing, "alert")

    async def rules(self, asked: ChoiceQuery) -> Offers:
        """Offer all rules, those with open alerts of the cluster first."""
        return Offers({Offer.RULE: views.rule_choices(RULES, await self.alerts.open(asked.cluster))})

    async def silences(self, asked: ChoiceQuery) -> Offers:
        """Offer the silences in force and the planned ones."""
        held = await self._operated((*await self.alerts.silences(), *await self.alerts.planned()), asked.user)
        muted, now = await self.alerts.muted() if held else {}, self.clock()
        choices = [views.silence_choice(each, muted.get(each.id, 0), now) for each in held]
        return _offered(Offer.SILENCE, choices, views.NO_SILENCE, "silence")

    async def noted(self, asked: ChoiceQuery) -> Offers:
        """Offer the open alerts and the last operations, and what is named already."""
        alerts = await self._operated(await self.alerts.open(), asked.user)
        ops = await self._latest(asked.user)
        now, latest = self.clock(), ops[:MAX_NOTED_OPERATIONS]
        first = alerts[: MAX_OPTIONS - 1 - len(latest)]
        choices = [
            *(self._alert_noted(alert, asked.user) for alert in first),
            *(views.as_subject(views.operation_choice(op, now), NoteKind.OPERATION) for op in latest),
        ]
        subject = subject_named(asked.given)
        if subject is not None and all(choice.value != subject_value(subject) for choice in choices):
            choices = [*await self._named(subject, asked.user), *choices]
        cut = views.noted_cut(len(first), len(alerts), len(latest), len(ops))
        return replace(_offered(Offer.NOTED, choices, views.NOTHING_TO_NOTE, "alert"), notes=cut)

    async def _latest(self, user: str) -> Sequence[Operation]:
        """Return the newest operations of the clusters that the person operates.

        The list over all clusters ends at a number: those of other clusters may leave too little room in it.
        """
        newest = await self.operations.listed(None, open_only=False)
        own = await self._operated(newest, user)
        if len(own) == len(newest) or len(own) > MAX_NOTED_OPERATIONS:
            return own
        operated = await self.access.of_clusters(user, Role.OPERATOR, self.clusters)
        found = [op for name in operated for op in await self.operations.listed(name, open_only=False)]
        return sorted(found, key=lambda op: op.id, reverse=True)

    def _alert_noted(self, alert: Alert, user: str) -> Choice:
        return views.as_subject(views.alert_choice(alert, user, self.clock()), NoteKind.ALERT)

    async def _named(self, subject: NoteSubject, user: str) -> Sequence[Choice]:
        """Return what was named as an option, empty if there is no such thing for this person."""
        try:
            if subject.kind is NoteKind.ALERT:
                alerts = await self._operated([await self.alerts.alert(subject.number)], user)
                return [self._alert_noted(alert, user) for alert in alerts]
            ops = await self._operated([await self.operations.shown(subject.number)], user)
        except UserError:
            return []
        return [views.as_subject(views.operation_choice(op, self.clock()), NoteKind.OPERATION) for op in ops]

    async def to_cancel(self, asked: ChoiceQuery) -> Offers:
        """Offer the waiting operations that the person may cancel."""
        return await self._waiting(Offer.TO_CANCEL, Act.CANCEL, asked, views.NOTHING_TO_CANCEL)

    async def to_reject(self, asked: ChoiceQuery) -> Offers:
        """Offer the waiting operations that the person may reject."""
        return await self._waiting(Offer.TO_REJECT, Act.REJECT, asked, views.NOTHING_TO_REJECT)

    async def _waiting(self, offer: Offer, act: Act, asked: ChoiceQuery, nothing: str) -> Offers:
        open_ones = await self.operations.listed(None, open_only=True)
        found = [op for op in open_ones if await self._may_end(op, act, asked.user)]
        return self._of_operations(offer, found, nothing)

    async def _may_end(self, op: Operation, act: Act, user: str) -> bool:
        policy = policy_on(self.policies, op.cluster, op.request, op.options)
        rights = await self.access.rights(user, op.cluster)
        if act is Act.CANCEL and not rights.has(Role.OPERATOR):
            return False
        return refuse_decision(op, act, rights, policy, version=op.version, now=self.clock()) is None

    async def to_settle(self, asked: ChoiceQuery) -> Offers:
        """Offer the operations with an unknown outcome on the clusters of which the person is an admin."""
        unknown = [op for op in await self.operations.listed(None, open_only=True) if op.state is OpState.UNKNOWN]
        own = await self._operated(unknown, asked.user, Role.ADMIN)
        return self._of_operations(Offer.TO_SETTLE, own, views.NOTHING_TO_SETTLE)

    def _of_operations(self, offer: Offer, found: Sequence[Operation], nothing: str) -> Offers:
        now = self.clock()
        return _offered(offer, [views.operation_choice(op, now) for op in found], nothing, "operation")


def _held(alert: Alert, user: str) -> bool:
    return alert.state is AlertState.ACKNOWLEDGED and alert.acked_by == user


def _offered(offer: Offer, found: Sequence[Choice], nothing: str, what: str) -> Offers:
    """Return the choices that fit into one list; without any, `nothing` says so."""
    cut = views.cut_short(MAX_OPTIONS, len(found), what)
    return Offers({offer: tuple(found[:MAX_OPTIONS])}, (cut,) if cut else (), nothing="" if found else nothing)


def subject_value(subject: NoteSubject) -> str:
    """Return the value of a subject's option: `alert 17`, `op 12`."""
    return f"{subject.kind} {subject.number}"


def as_offered(offer: Offer | None, value: str) -> str:
    """Return a given value in the spelling of its options: `#17` is `alert 17` as the subject of a note."""
    if offer is Offer.NOTED and (subject := subject_named(value)) is not None:
        return subject_value(subject)
    return value.lower() if offer is Offer.RULE else value


_READERS: Mapping[Offer, Callable[[StoredChoices, ChoiceQuery], Awaitable[Offers]]] = MappingProxyType(
    {
        Offer.OPEN_ALERT: StoredChoices.open_alerts,
        Offer.HELD_ALERT: StoredChoices.held_alerts,
        Offer.RULE: StoredChoices.rules,
        Offer.SILENCE: StoredChoices.silences,
        Offer.NOTED: StoredChoices.noted,
        Offer.TO_CANCEL: StoredChoices.to_cancel,
        Offer.TO_REJECT: StoredChoices.to_reject,
        Offer.TO_SETTLE: StoredChoices.to_settle,
    }
)
STORED = frozenset(_READERS)
"""What is read from the database; the other choices are read from the cluster."""
