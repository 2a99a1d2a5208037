"""/cm safe-to-stop and /cm maintenance: may a host be stopped now, and the silence of what is expected of it."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import Field, field_validator

from bot.alerting.cluster_state.counters import is_fresh
from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.model import Silence
from bot.alerting.problems import BadSilenceLength
from bot.alerting.silences import MAX_SILENCE
from bot.chatops.commands.deadline import in_time
from bot.chatops.commands.stat import NoArgs
from bot.clustermgr.host_facts import HostFacts
from bot.clustermgr.host_matching import alike
from bot.common.durations import EXPECTED, MAX_SPAN, seconds_of
from bot.common.errors import Refused
from bot.interactions.command import Args, Call, Command, Reply, Scope
from bot.operations.maintenance import (
    AnywayNeedsReason,
    NoSuchMaintenance,
    NotSafeToStop,
    StopVerdict,
    UnknownHost,
    stop_verdict,
)
from bot.permissions.roles import Role
from bot.views import maintenance_text as texts
from bot.views.safe_to_stop import safe_to_stop

FIRST_SECONDS = 3.0
"""Time for the first answer."""
COMPLETE_SECONDS = 30.0
"""Time for the second answer, and for the judgement before a maintenance starts."""
DEFAULT_SPAN = "2h"


def _span(value: str) -> str:
    seconds_of(value)
    return value


def _bare(host: str) -> str:
    """Return the host without scheme and path, in lower case: one spelling for one host."""
    return host.strip().lower().partition("://")[2].partition("/")[0] if "://" in host else host.strip().lower()


class HostArgs(Args):
    """The host to judge."""

    words = ("host",)
    host: str = Field(
        min_length=1, max_length=200, description="a blobnode or Clustermgr node, as in 10.0.0.7 or 10.0.0.7:8899"
    )
    for_: str = Field(
        DEFAULT_SPAN, alias="for", max_length=MAX_SPAN, description=f"how long it is away, {EXPECTED} (2h)"
    )

    @field_validator("for_")
    @classmethod
    def _is_a_span(cls, value: str) -> str:
        return _span(value)

    @field_validator("host")
    @classmethod
    def _is_bare(cls, value: str) -> str:
        return _bare(value)


class StartArgs(HostArgs):
    """The host, the time, and a confirmation where it is not safe to stop."""

    reason: str = Field("", max_length=300, description="why, for the readers")
    anyway: Literal["yes", "no"] = Field("no", description="yes starts it although it is not safe; needs a reason")


class EndArgs(Args):
    """The host whose maintenance ends."""

    words = ("host",)
    host: str = Field(min_length=1, max_length=200, description="the host, as /cm maintenances shows it")

    @field_validator("host")
    @classmethod
    def _is_bare(cls, value: str) -> str:
        return _bare(value)


async def run_safe_to_stop(call: Call, args: HostArgs) -> AsyncIterator[Reply]:
    """Answer with what can be judged in time; a second answer replaces it once the rest is read."""
    _refuse_length(args.for_)
    cluster, others = call.the_cluster, await _others(call, args.host)
    facts = await in_time(cluster.host_facts(args.host, FIRST_SECONDS), cluster.name, f"what is on {args.host}")
    verdict = _verdict(call, facts, others)
    yield Reply(safe_to_stop(verdict, args.for_), private=False)
    if verdict.unknown and facts.snapshot.leader is not None:
        facts = await cluster.host_facts(args.host, COMPLETE_SECONDS)
        yield Reply(safe_to_stop(_verdict(call, facts, others), args.for_), private=False)


def _refuse_length(span: str) -> None:
    """Raise Refused for a time that no maintenance may last: it is refused before the host is judged."""
    if not 0 < seconds_of(span) <= MAX_SILENCE:
        raise Refused(BadSilenceLength()).at("for")


async def _others(call: Call, host: str) -> tuple[Silence, ...]:
    """Return the maintenances of other hosts of the cluster: these hosts count as stopped."""
    held = await call.alerts.silences(call.the_cluster.name)
    return tuple(each for each in held if each.scope is not None and each.subject != host)


def _verdict(call: Call, facts: HostFacts, others: Sequence[Silence]) -> StopVerdict:
    """Judge the facts; raises Refused for an unknown host."""
    state = call.remembered(call.the_cluster.name).state
    verdict = stop_verdict(
        facts,
        peers_at=tuple((note.host, note.peer) for note in state.hosts),
        others=tuple(each.scope for each in others if each.scope is not None),
        not_rebuilt=shards_not_rebuilt(state, call.now),
        fresh=is_fresh(facts.snapshot, state),
    )
    if isinstance(verdict, UnknownHost):
        raise Refused(verdict).at("host")
    return verdict


async def run_start(call: Call, args: StartArgs) -> AsyncIterator[Reply]:
    """Judge once more, then mute what is expected of the host."""
    _refuse_length(args.for_)
    others = await _others(call, args.host)
    verdict = _verdict(call, await call.the_cluster.host_facts(args.host, COMPLETE_SECONDS), others)
    if not verdict.allowed and args.anyway == "no":
        raise Refused(NotSafeToStop(verdict)).at("anyway")
    if not verdict.allowed and not args.reason:
        raise Refused(AnywayNeedsReason()).at("reason")
    begun = await call.alerts.start_maintenance(
        call.the_cluster.name,
        verdict.scope,
        seconds=seconds_of(args.for_),
        by=call.caller.user,
        reason=args.reason,
        beside=tuple(each.id for each in others),
        key=call.caller.key,
    )
    yield Reply(texts.maintenance_begun(begun))


async def run_end(call: Call, args: EndArgs) -> AsyncIterator[Reply]:
    """End the maintenance of a host before its time."""
    cluster = call.the_cluster.name
    held = [each for each in await call.alerts.silences(cluster) if each.scope is not None]
    found = next((each for each in held if alike(each.subject, args.host)), None)
    if found is None:
        raise Refused(NoSuchMaintenance(args.host, cluster, tuple(each.subject for each in held))).at("host")
    await call.alerts.unsilence(found.id, call.caller.user)
    yield Reply(texts.maintenance_ending(found))


async def run_maintenances(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """List the maintenances of all clusters."""
    held = [each for each in await call.alerts.silences() if each.scope is not None and each.cluster in call.clusters]
    yield Reply(texts.maintenances(held, await call.alerts.muted(), now=call.now), private=False)


SAFE_TO_STOP = Command(
    path=("safe-to-stop",),
    summary="May a host be stopped now: the quorum and the volumes without it, the worst volume named.",
    args=HostArgs,
    run=run_safe_to_stop,
    examples=("/cm safe-to-stop 10.0.0.7", "/cm safe-to-stop 10.0.0.7:8899 prod for=30m"),
    notes="Without a port, all that runs on the host is judged. What could not be read is named, and never counts as "
    "safe. Hosts in maintenance count as stopped. The button starts a maintenance.",
)
MAINTENANCE_START = Command(
    path=("maintenance", "start"),
    summary="Mute what stopping one host explains, for a time; anything else that fails ends it.",
    args=StartArgs,
    run=run_start,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm maintenance start 10.0.0.7 prod for=2h reason=kernel",),
    notes="The host is judged first, as /cm safe-to-stop does: where it is not safe, anyway=yes and a reason are "
    "needed. The same again with a later end extends it.",
)
MAINTENANCE_END = Command(
    path=("maintenance", "end"),
    summary="End the maintenance of a host before its time.",
    args=EndArgs,
    run=run_end,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm maintenance end 10.0.0.7",),
)
MAINTENANCES = Command(
    path=("maintenances",),
    summary="The hosts in maintenance, until when, and how many alerts each mutes.",
    args=NoArgs,
    run=run_maintenances,
    scope=Scope.NO_CLUSTER,
    examples=("/cm maintenances",),
)
