"""Choices of a form, read from a cluster: its peers and background tasks, or a note if they must be typed."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field, replace

from bot.alerting.quorum import proven_health
from bot.chatops.commands.tasks import NOT_YET
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.health import learners, voters
from bot.clustermgr.models import Peer, Snapshot
from bot.clustermgr.tasks import TASKS, DetectedDialect, Dialect, meaning_of
from bot.common.frozen import frozen
from bot.interactions.command import Offer
from bot.views.dialect_text import evidence_text
from bot.views.inputs import Choice
from bot.views.tasks import keys_for
from bot.views.voter_text import voter_fault_text

READ_SECONDS = 5.0
"""Seconds that a form waits for a cluster; then its fields are typed."""


@frozen
class Offers:
    """The choices, notes on what could not be read (plain text), and if the dialect is known.

    `nothing` says that there is nothing to choose from, so that the form cannot be sent. `needs_service` is True if the
    cluster is known to refuse a member without its service address.
    """

    choices: Mapping[Offer, tuple[Choice, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dialect_known: bool = True
    needs_service: bool = False
    nothing: str = ""


async def read(
    cluster: Cluster, wanted: frozenset[Offer], *, within: float = READ_SECONDS, service: bool = False
) -> Offers:
    """Poll the cluster once for what is wanted; a silent cluster yields notes. Never raises ClusterError.

    With `service` it is found whether the cluster needs the service address of a member.
    """
    if Offer.TASK in wanted:
        answer, detected = await asyncio.gather(_snapshot(cluster, keys_for(None), within), _dialect(cluster, within))
        return tasks(cluster.name, answer, detected)
    if not service:
        return await _members(cluster, wanted, within)
    found, detected = await asyncio.gather(_members(cluster, wanted, within), _dialect(cluster, within))
    return replace(found, needs_service=detected.dialect is Dialect.V3)


async def _members(cluster: Cluster, wanted: frozenset[Offer], within: float) -> Offers:
    if wanted & {Offer.PEER, Offer.FOLLOWER}:
        return peers(cluster.name, await _snapshot(cluster, (), within))
    return Offers()


async def _snapshot(cluster: Cluster, switches: tuple[str, ...], within: float) -> Snapshot | None:
    answers = cluster.snapshots(bad_disks=False, switches=switches)
    try:
        with suppress(TimeoutError, StopAsyncIteration):
            async with asyncio.timeout(within):
                return await anext(answers)
        return None
    finally:
        close = getattr(answers, "aclose", None)
        if close is not None:
            await close()


async def _dialect(cluster: Cluster, within: float) -> DetectedDialect:
    try:
        async with asyncio.timeout(within):
            return await cluster.dialect()
    except TimeoutError:
        return NOT_YET


def peers(cluster: str, answer: Snapshot | None) -> Offers:
    """Return the members that may be a target: id, role and raft address, and why one is unhealthy.

    The leader is none of them: it can neither be removed nor replaced, and leads already. To lead, a member must be a
    voter, and the healthy ones come first. To be removed or replaced, the unhealthy ones come first.
    """
    leader = answer.leader[1] if answer is not None and answer.leader is not None else None
    if answer is None or leader is None or not leader.raft_status.peers:
        return Offers(notes=(f"Type the id of the peer: the members of {cluster} cannot be read now.",))
    health = proven_health(answer)
    others = [peer for peer in (*voters(leader), *learners(leader)) if peer.id != leader.raft_status.leader]
    ails = {
        peer.id: voter_fault_text(x.fault) if (x := health.get(peer.id)) and not x.healthy else "" for peer in others
    }
    peers = {
        peer: Choice(str(peer.id), f"peer {peer.id} · {_role(peer)} · {peer.host}", ails[peer.id]) for peer in others
    }
    follow = [choice for peer, choice in peers.items() if not peer.is_learner]
    offers = {
        Offer.PEER: tuple(sorted(peers.values(), key=lambda choice: not choice.describes)),
        Offer.FOLLOWER: tuple(sorted(follow, key=lambda choice: bool(choice.describes))),
    }
    alone = f"Peer {leader.raft_status.leader} leads {cluster}, and no other member can be chosen."
    return Offers(offers, () if others else (alone,))


def _role(peer: Peer) -> str:
    return "learner" if peer.is_learner else "voter"


def tasks(cluster: str, answer: Snapshot | None, detected: DetectedDialect) -> Offers:
    """Return the tasks that the cluster knows, each with its state if it was read."""
    values = (answer.switches if answer else None) or {}
    known = tuple(
        _task(task.name, task.does, _state(task.keys, detected.dialect, values))
        for task in TASKS
        if detected.dialect is None or detected.dialect in task.keys
    )
    return Offers({Offer.TASK: known}, tuple(_notes(cluster, values, detected)), detected.dialect is not None)


def _notes(cluster: str, values: Mapping[str, str | None], detected: DetectedDialect) -> Iterator[str]:
    if not values:
        yield f"The tasks are listed without their state, because the switches of {cluster} cannot be read now."
    if detected.dialect is None:
        yield f"It is not known how {cluster} spells its switches: {evidence_text(detected.evidence)}"


def _task(name: str, does: str, state: str) -> Choice:
    return Choice(name, f"{name} · {state}" if state else name, does)


def _state(keys: Mapping[Dialect, str], dialect: Dialect | None, values: Mapping[str, str | None]) -> str:
    key = keys.get(dialect) if dialect else None
    if dialect is None or key is None or key not in values:
        return ""
    return meaning_of(values[key], dialect).word
