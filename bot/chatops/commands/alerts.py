"""/cm alerts, ack, unack, silence, silences, unsilence: lists, acknowledges and silences alerts."""

import zoneinfo
from collections.abc import AsyncIterator
from datetime import tzinfo
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from bot.alerting.model import AlertState
from bot.alerting.problems import TwoEnds
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.silence_span import Span, span_of
from bot.chatops.commands.arguments import configured
from bot.chatops.commands.stat import NoArgs
from bot.common.durations import EXPECTED, MAX_SPAN, seconds_of
from bot.common.errors import Refused
from bot.common.moments import EXPECTED_MOMENT, MAX_MOMENT, moment
from bot.common.text import listed
from bot.interactions.command import Args, Call, Command, Offer, Reply, Scope
from bot.interactions.facts import OpenAlerts
from bot.permissions.roles import Role
from bot.views import alert_lists as views
from bot.views.alerts import in_full

MAX_ID = 2**53
DEFAULT_LENGTH = "1h"
_NUMBER = "its number, as the list shows it"


class AlertsArgs(Args):
    """The alerts to list."""

    cluster: str = Field("", max_length=40, description="of this cluster only")


class IdArgs(Args):
    """The number of an alert or a silence."""

    words: ClassVar[tuple[str, ...]] = ("id",)
    id: int = Field(ge=1, le=MAX_ID, description=_NUMBER)


class UnackArgs(IdArgs):
    """The number of the alert."""

    id: Annotated[int, Offer.HELD_ALERT] = Field(ge=1, le=MAX_ID, description=_NUMBER)


class UnsilenceArgs(IdArgs):
    """The number of the silence."""

    id: Annotated[int, Offer.SILENCE] = Field(ge=1, le=MAX_ID, description=_NUMBER)


class AckArgs(IdArgs):
    """The number of the alert, and how it is held."""

    words = ("id", "take")
    id: Annotated[int, Offer.OPEN_ALERT] = Field(ge=1, le=MAX_ID, description=_NUMBER)
    take: Literal["take"] | None = Field(None, description="take over an alert that another person holds")
    for_: str | None = Field(
        None, alias="for", max_length=MAX_SPAN, description=f"how long you hold it, {EXPECTED} (no end)"
    )

    @field_validator("for_")
    @classmethod
    def _is_a_span(cls, value: str | None) -> str | None:
        if value is not None:
            seconds_of(value)
        return value


class SilenceArgs(Args):
    """The rule or subject to silence, the time and the reason."""

    words = ("rule",)
    rule: Annotated[str, Offer.RULE] = Field(
        min_length=1, max_length=40, description="a rule, as in /cm alerts; * for all but the most severe"
    )
    for_: str = Field("", alias="for", max_length=MAX_SPAN, description=f"how long, {EXPECTED} (1h)")
    from_: str = Field("", alias="from", max_length=MAX_MOMENT, description=f"when it begins (now), {EXPECTED_MOMENT}")
    until: str = Field("", max_length=MAX_MOMENT, description=f"when it ends, in place of for=, {EXPECTED_MOMENT}")
    subject: str = Field(
        "", max_length=120, description="of this alone: a peer's number, a host, a zone or a background task"
    )
    reason: str = Field("", max_length=300, description="why, for the readers")

    @field_validator("for_")
    @classmethod
    def _is_a_span(cls, value: str) -> str:
        if value:
            seconds_of(value)
        return value

    @field_validator("from_", "until")
    @classmethod
    def _is_a_moment(cls, value: str) -> str:
        if value:
            moment(value)
        return value


async def run_alerts(call: Call, args: AlertsArgs) -> AsyncIterator[Reply]:
    """List what is open in all clusters, or in one."""
    name = configured(args.cluster, tuple(call.clusters)) if args.cluster else ""
    wanted = (name,) if name else tuple(call.clusters)
    found = [alert for alert in await call.alerts.listed() if alert.cluster in wanted]
    held = [each for each in await call.alerts.silences() if each.cluster in wanted]
    maintenances = [each for each in held if each.scope is not None]
    muted = await call.alerts.muted() if maintenances else {}
    others = len(held) - len(maintenances)
    shown = views.alerts(found, silences=others, now=call.now, maintenances=maintenances, muted=muted, cluster=name)
    yield Reply(shown, private=False, facts=OpenAlerts(found, held))


async def run_alert(call: Call, args: IdArgs) -> AsyncIterator[Reply]:
    """Show one in full."""
    yield Reply(in_full(await call.alerts.alert(args.id)))


async def run_ack(call: Call, args: AckArgs) -> AsyncIterator[Reply]:
    """Acknowledge one, take it over, or set the end of an acknowledgement."""
    found, user = await call.alerts.alert(args.id), call.caller.user
    await call.access.require(user, Role.OPERATOR, found.cluster)
    seconds = None if args.for_ is None else seconds_of(args.for_)
    alert = await call.alerts.acknowledge(args.id, user, seconds=seconds, take=args.take is not None)
    held = found.acked_by if found.state is AlertState.ACKNOWLEDGED else ""
    folded = await call.alerts.acknowledged_with(alert)
    yield Reply(views.acknowledged(alert, "" if held == user else held, folded=folded))


async def run_unack(call: Call, args: UnackArgs) -> AsyncIterator[Reply]:
    """Give one back."""
    found = await call.alerts.alert(args.id)
    await call.access.require(call.caller.user, Role.OPERATOR, found.cluster)
    yield Reply(views.given_back(await call.alerts.give_back(args.id, call.caller.user)))


async def run_silence(call: Call, args: SilenceArgs) -> AsyncIterator[Reply]:
    """Mute a rule for a while."""
    span = _span(args, call.now, zoneinfo.ZoneInfo(call.zone_of(call.the_cluster.name)))
    begun = await call.alerts.silence(
        call.the_cluster.name,
        args.rule.lower(),
        args.subject,
        seconds=span.until - (span.begins or call.now),
        begins=span.begins,
        by=call.caller.user,
        reason=args.reason,
        key=call.caller.key,
    )
    yield Reply(views.silence_begun(begun))


def _span(args: SilenceArgs, now: float, zone: tzinfo) -> Span:
    """Return when the silence begins and ends; raises Refused."""
    if args.for_ and args.until:
        raise Refused(TwoEnds()).at("until")
    begins = moment(args.from_).resolve(now, zone) if args.from_ else None
    until = moment(args.until).resolve(now, zone) if args.until else None
    return span_of(now, begins=begins, until=until, seconds=seconds_of(args.for_ or DEFAULT_LENGTH))


async def run_silences(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """List the silences: those in force, the planned ones, and the maintenance windows."""
    held = [each for each in await call.alerts.silences() if each.cluster in call.clusters]
    planned = [each for each in await call.alerts.planned() if each.cluster in call.clusters]
    windows = [window for name in call.clusters for window in call.windows(name)]
    muted = await call.alerts.muted() if held else {}
    shown = views.silences(held, now=call.now, planned=planned, windows=windows, muted=muted)
    yield Reply(shown, private=False)


async def run_unsilence(call: Call, args: UnsilenceArgs) -> AsyncIterator[Reply]:
    """Lift one."""
    for each in (*await call.alerts.silences(), *await call.alerts.planned()):
        if each.id == args.id:
            await call.access.require(call.caller.user, Role.OPERATOR, each.cluster)
    lifted = await call.alerts.unsilence(args.id, call.caller.user)
    yield Reply(views.silence_lifted(lifted))


ALERTS = Command(
    path=("alerts",),
    summary="The open alerts of all clusters, or of one: since when, and who acknowledged them.",
    args=AlertsArgs,
    run=run_alerts,
    scope=Scope.NO_CLUSTER,
    examples=("/cm alerts", "/cm alerts prod"),
    manual="alerts.md",
)
ALERT = Command(
    path=("alert",),
    summary="One alert in full, open or resolved: everything affected, its cause, its next step.",
    args=IdArgs,
    run=run_alert,
    scope=Scope.NO_CLUSTER,
    examples=("/cm alert 17",),
    notes="The button *Show all* of an alert opens the same.",
    manual="alerts.md",
)
ACK = Command(
    path=("ack",),
    summary="Acknowledge an alert, or take it over: it stays quiet until it gets worse, or for a time.",
    args=AckArgs,
    run=run_ack,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm ack 17", "/cm ack 17 for=2h", "/cm ack 17 take"),
    notes=(
        "With for= the acknowledgement ends by itself, after at most 7 days: the alert fires again and escalates as if "
        "no one had acknowledged it. The holder may set another end. The word take is for an alert that another person "
        "holds, whom the alert's thread mentions. cmbot reminds the holder after some hours (alerts.remind_holder). "
        "Alerts of the same cause in its message are acknowledged with it; the answer names them."
    ),
)
UNACK = Command(
    path=("unack",),
    summary="Give back an alert that you acknowledged: it fires for everyone again.",
    args=UnackArgs,
    run=run_unack,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm unack 17",),
    notes="Only its holder gives an alert back. That of another person you take over first: /cm ack 17 take",
)
SILENCE = Command(
    path=("silence",),
    summary="Mute a rule of a cluster for a while, at most 7 days; the silence lifts when the alert gets worse.",
    args=SilenceArgs,
    run=run_silence,
    role=Role.OPERATOR,
    changes=True,
    examples=(
        "/cm silence disk_broken prod for=4h reason=replacing",
        "/cm silence peer_down prod subject=3",
        "/cm silence * prod for=30m",
        '/cm silence peer_down prod from="sat 22:00" until="sun 02:00" reason=reboot',
    ),
    notes=(
        "cmbot posts the silence in the cluster's alert channel. "
        f"* does not mute {listed(sorted(NEVER_WILDCARD_SILENCED))}: name these to mute them. "
        "The answer says how many open alerts it mutes now. "
        "The same silence again with a later end extends the one in force. "
        "With from= it begins and ends by itself, at most 31 days ahead. A time without a zone is one of the cluster's "
        "timezone in the settings (UTC); write another one behind it, as in 22:00Z or '22:00 Asia/Shanghai'. A time "
        "of day without a date is the next one."
    ),
)
SILENCES = Command(
    path=("silences",),
    summary="What is muted now or later, by whom, until when; and the maintenance windows of the settings.",
    args=NoArgs,
    run=run_silences,
    scope=Scope.NO_CLUSTER,
    examples=("/cm silences",),
)
UNSILENCE = Command(
    path=("unsilence",),
    summary="Lift a silence before its time.",
    args=UnsilenceArgs,
    run=run_unsilence,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm unsilence 3",),
    notes=(
        "A planned silence is cancelled the same way. "
        "The answer names the silences that still mute some or all of the same alerts, each with its end."
    ),
)
