"""/cm alerts, ack, silence, silences, unsilence: lists, acknowledges and silences alerts."""

from collections.abc import AsyncIterator

from pydantic import Field, field_validator

from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.chatops.commands.stat import NoArgs
from bot.common.durations import EXPECTED, MAX_SPAN, seconds_of
from bot.common.text import listed
from bot.interactions.command import Args, Call, Command, Reply, Scope
from bot.interactions.facts import OpenAlerts
from bot.permissions.roles import Role
from bot.views import alert_lists as views

MAX_ID = 2**53


class IdArgs(Args):
    """The number of an alert or a silence."""

    words = ("id",)
    id: int = Field(ge=1, le=MAX_ID, description="its number, as the list shows it")


class SilenceArgs(Args):
    """The rule or subject to silence, the time and the reason."""

    words = ("rule",)
    rule: str = Field(
        min_length=1, max_length=40, description="a rule, as in /cm alerts; * for all but the most severe"
    )
    for_: str = Field("1h", alias="for", max_length=MAX_SPAN, description=f"how long, {EXPECTED} (1h)")
    subject: str = Field(
        "", max_length=120, description="of this alone: a peer's number, a host, a zone or a background task"
    )
    reason: str = Field("", max_length=300, description="why, for the readers")

    @field_validator("for_")
    @classmethod
    def _is_a_span(cls, value: str) -> str:
        seconds_of(value)
        return value


async def run_alerts(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """List what is open in all clusters."""
    found = [alert for alert in await call.alerts.open() if alert.cluster in call.clusters]
    held = [each for each in await call.alerts.silences() if each.cluster in call.clusters]
    maintenances = [each for each in held if each.scope is not None]
    muted = await call.alerts.muted() if maintenances else {}
    others = len(held) - len(maintenances)
    shown = views.alerts(found, silences=others, now=call.now, maintenances=maintenances, muted=muted)
    yield Reply(shown, private=False, facts=OpenAlerts(found, held))


async def run_ack(call: Call, args: IdArgs) -> AsyncIterator[Reply]:
    """Acknowledge one."""
    found = await call.alerts.alert(args.id)
    await call.access.require(call.caller.user, Role.OPERATOR, found.cluster)
    alert = await call.alerts.acknowledge(args.id, call.caller.user)
    yield Reply(views.acknowledged(alert, await call.alerts.acknowledged_with(alert)))


async def run_silence(call: Call, args: SilenceArgs) -> AsyncIterator[Reply]:
    """Mute a rule for a while."""
    begun = await call.alerts.silence(
        call.the_cluster.name,
        args.rule.lower(),
        args.subject,
        seconds=seconds_of(args.for_),
        by=call.caller.user,
        reason=args.reason,
        key=call.caller.key,
    )
    yield Reply(views.silence_begun(begun))


async def run_silences(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """List the silences."""
    held = [each for each in await call.alerts.silences() if each.cluster in call.clusters]
    yield Reply(views.silences(held, now=call.now), private=False)


async def run_unsilence(call: Call, args: IdArgs) -> AsyncIterator[Reply]:
    """Lift one."""
    for each in await call.alerts.silences():
        if each.id == args.id:
            await call.access.require(call.caller.user, Role.OPERATOR, each.cluster)
    lifted = await call.alerts.unsilence(args.id, call.caller.user)
    yield Reply(views.silence_lifted(lifted))


ALERTS = Command(
    path=("alerts",),
    summary="The open alerts of all clusters: since when, and who acknowledged them.",
    args=NoArgs,
    run=run_alerts,
    scope=Scope.NO_CLUSTER,
    examples=("/cm alerts",),
    notes="docs/alerts.md says what each means and what to do.",
)
ACK = Command(
    path=("ack",),
    summary="Acknowledge an alert: it stays quiet until it gets worse.",
    args=IdArgs,
    run=run_ack,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm ack 17",),
    notes="Alerts of the same cause in its message are acknowledged with it; the answer names them.",
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
    ),
    notes=(
        "cmbot posts the silence in the cluster's alert channel. "
        f"* does not mute {listed(sorted(NEVER_WILDCARD_SILENCED))}: name these to mute them. "
        "The answer says how many open alerts it mutes now. "
        "The same silence again with a later end extends the one in force."
    ),
)
SILENCES = Command(
    path=("silences",),
    summary="What is muted now, by whom, until when.",
    args=NoArgs,
    run=run_silences,
    scope=Scope.NO_CLUSTER,
    examples=("/cm silences",),
)
UNSILENCE = Command(
    path=("unsilence",),
    summary="Lift a silence before its time.",
    args=IdArgs,
    run=run_unsilence,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm unsilence 3",),
    notes="The answer names the silences that still mute some or all of the same alerts, each with its end.",
)
