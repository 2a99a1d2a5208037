"""/cm stat and /cm members: one poll of all hosts of a cluster, answered at once and completed in place."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from pydantic import Field

from bot.alerting.cluster_state.counters import status_context
from bot.alerting.cluster_status import StatusContext, cluster_status
from bot.alerting.model import Alert, Silence
from bot.clustermgr.models import Snapshot
from bot.common.errors import StoreError
from bot.interactions.command import Args, Call, Command, Details, Reply
from bot.interactions.facts import Polled
from bot.interactions.message import Message
from bot.views.members import members
from bot.views.silence_times import with_muted
from bot.views.stat import stat, stat_key
from bot.views.stat_details import stat_in_full


class NoArgs(Args):
    """Nothing but the cluster."""


class DetailArgs(Args):
    """Whether all is shown at once."""

    details: Literal["no", "yes"] = Field("no", description="yes shows all at once, as the button *Details* does (no)")

    @property
    def in_full(self) -> bool:
        """True if all is shown at once."""
        return self.details == "yes"


View = Callable[[Snapshot, Snapshot | None, StatusContext], Message]
"""Renders a snapshot with the one before it and the context of the status."""


async def run_stat(call: Call, args: DetailArgs) -> AsyncIterator[Reply]:
    """Answer with the first snapshot; a second one, which late hosts have completed, replaces it."""
    view = stat_in_full if args.in_full else stat
    async for reply in _answers(call, partial(view, may_grow=True), view, bad_disks=True):
        yield reply if args.in_full else _with_details(reply)


def _with_details(reply: Reply) -> Reply:
    """Add the full form of a short answer."""
    polled = reply.facts
    if not isinstance(polled, Polled):
        return reply
    full = partial(stat_in_full, polled.snapshot, polled.previous, polled.known)
    return replace(reply, details=Details(stat_key(polled.snapshot), full))


async def run_members(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Answer as `run_stat` does, with the members only."""
    async for reply in _answers(call, members, members, bad_disks=False):
        yield reply


async def _answers(call: Call, first: View, later: View, *, bad_disks: bool) -> AsyncIterator[Reply]:
    """Yield the first snapshot, a second one at once if hosts contradict the first, and the completed one."""
    cluster, view, confirmed = call.the_cluster, first, False
    # The database answers while the hosts do.
    reading = asyncio.create_task(_alerts(call))
    try:
        async for answer in cluster.snapshots(bad_disks=bad_disks):
            alerts, silences = await reading
            previous, known = cluster.before(answer), _known(call, answer, alerts)
            unsure = cluster_status(answer, previous, known).unsure
            if unsure and confirmed:
                continue
            shown = with_muted(view(answer, previous, known), silences)
            yield Reply(shown, private=False, facts=Polled(answer, previous, known))
            view = later
            if unsure:
                again = await cluster.second_snapshot(answer, bad_disks=bad_disks)
                known = _known(call, again, alerts)
                shown = with_muted(later(again, answer, known), silences)
                yield Reply(shown, private=False, facts=Polled(again, answer, known))
                confirmed = True
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _known(call: Call, answer: Snapshot, alerts: Sequence[Alert]) -> StatusContext:
    name = call.the_cluster.name
    return status_context(call.remembered(name).state, answer, call.rules(name), alerts)


async def _alerts(call: Call) -> tuple[Sequence[Alert], Sequence[Silence]]:
    """Return the open alerts of the cluster, and the silences in force.

    There are none while the database is down, because reading goes on without it.
    """
    try:
        return await call.alerts.of_cluster(call.the_cluster.name)
    except StoreError:
        return (), ()


STAT = Command(
    path=("stat",),
    summary="The state of a cluster in short: verdict, what is wrong, quorum, disks, space; *Details* opens the rest.",
    args=DetailArgs,
    run=run_stat,
    examples=("/cm stat", "/cm stat prod", "/cm stat prod details=yes"),
    notes="All hosts are asked at the same time. The answer shows what the leader says, and which hosts differ or are "
    "silent. The details are peers, zones, hosts, volumes and counters, of the same poll while cmbot remembers it; "
    "otherwise the hosts are asked again, and the details say so.",
)
MEMBERS = Command(
    path=("members",),
    summary="The raft group: each voter and learner, how far it is behind, whether it is healthy and why not.",
    args=NoArgs,
    run=run_members,
    examples=("/cm members prod",),
)
