"""/cm disk readonly, writable, broken and offline, /cm node offline: changes of disks, proposed on a card."""

import re
from collections.abc import AsyncIterator, Collection
from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.chatops.commands.deadline import in_time
from bot.chatops.commands.disks import MAX_DISK_ID
from bot.chatops.commands.members import ChangeArgs, about, change_request_of
from bot.chatops.commands.usage import ASKED_BY_POLICY
from bot.clustermgr.host_facts import GONE, disks_of
from bot.clustermgr.host_matching import split
from bot.clustermgr.models import Disk
from bot.common.addresses import place
from bot.common.errors import UserError
from bot.common.text import listed, shown
from bot.interactions.command import Call, Command, Reply
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    NodeOffline,
    Request,
)
from bot.permissions.roles import Role

MAX_HOST = 80
"""Limit of characters of a host that an answer names."""
_SCHEME = re.compile(r"^https?://", re.IGNORECASE)


class DiskChangeArgs(ChangeArgs):
    """The disk to change."""

    words = ("id",)
    id: int = Field(ge=1, le=MAX_DISK_ID, description="the disk's number, as /cm disks shows it")


class _WithReason(ChangeArgs):
    reason: str = Field(
        "",
        max_length=300,
        description="why, for those who read the card; required unless the policy in the settings makes it optional",
        json_schema_extra=ASKED_BY_POLICY,
    )


class DiskBrokenArgs(_WithReason, DiskChangeArgs):
    """The disk to declare broken."""


def _words(given: object) -> object:
    """Split numbers that stand in one text, as a form sends them."""
    texts = (given,) if isinstance(given, str) else given
    if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
        return given
    return tuple(word for text in texts for word in text.replace(",", " ").split())


class DisksChangeArgs(_WithReason):
    """The disks to change, in their order."""

    words = ("ids",)
    rest = "ids"
    ids: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        min_length=1, description="one or more numbers of disks, as /cm disks shows them"
    )


class NodeChangeArgs(_WithReason):
    """The blobnode to change."""

    words = ("host",)
    host: str = Field(max_length=300, description="the blobnode, as /cm disks shows it; the port may be left out")


async def run_readonly(call: Call, args: DiskChangeArgs) -> AsyncIterator[Reply]:
    """Propose to make a disk read-only."""
    yield await _propose(call, args, DiskAccess(args.id, readonly=True))


async def run_writable(call: Call, args: DiskChangeArgs) -> AsyncIterator[Reply]:
    """Propose to make a disk writable again."""
    yield await _propose(call, args, DiskAccess(args.id, readonly=False))


async def run_broken(call: Call, args: DiskBrokenArgs) -> AsyncIterator[Reply]:
    """Propose to declare a disk broken."""
    yield await _propose(call, args, DiskBroken(args.id))


async def run_offline(call: Call, args: DisksChangeArgs) -> AsyncIterator[Reply]:
    """Propose to take one disk out of service, or several one after another."""
    with about("ids"):
        ids = tuple(map(_disk_id, args.ids))
        request = DiskOffline(*ids) if len(ids) == 1 else DisksOffline(ids)
    yield await _propose(call, args, request)


async def run_node_offline(call: Call, args: NodeChangeArgs) -> AsyncIterator[Reply]:
    """Propose to take the disks of a blobnode out of service, then the node."""
    host = await _blobnode(call, args.host)
    with about("host"):
        request = NodeOffline(host)
    yield await _propose(call, args, request)


async def _blobnode(call: Call, given: str) -> str:
    """The address of a blobnode, without the scheme that /cm disks shows; without a port the disk list completes it.

    Raises UserError where the cluster has no disk in use there, or several blobnodes.
    """
    bare = _SCHEME.sub("", given.strip()).removesuffix("/")
    if not bare or "/" in bare or split(bare)[1]:
        return bare
    cluster = call.the_cluster
    disks = await in_time(cluster.api.disk_list(), cluster.name, "which blobnodes it has")
    found = _places(disks_of(disks, bare))
    if len(found) > 1:
        raise UserError(f"{shown(given)} has {len(found)} blobnodes: write one of {_named(found, 'or')}.").at("host")
    if not found:
        others = _places([disk for disk in disks if disk.status not in GONE and disk.host])
        named = f" Disks are on {_named(others, 'and')}: write one of these." if others else ""
        raise UserError(f"{cluster.name} has no disk in use on {shown(given)}.{named}").at("host")
    return found[0]


def _places(disks: Collection[Disk]) -> list[str]:
    return sorted({place(disk.host) for disk in disks})


def _named(places: list[str], last: str) -> str:
    return listed([each[:MAX_HOST] for each in places], last, most=8)


async def _propose(call: Call, args: ChangeArgs, request: Request) -> Reply:
    return await call.proposer.propose(call.caller, call.the_cluster, change_request_of(args, request))


def _disk_id(word: str) -> int:
    digits = word.removeprefix("#")
    if not (digits.isascii() and digits.isdecimal()) or not 1 <= int(digits[:11]) <= MAX_DISK_ID:
        raise UserError(
            f"ids takes numbers of disks, and {shown(word)} is none: write them as /cm disks shows them, "
            "as in /cm disk offline 7 8 9."
        )
    return int(digits)


_NOTES = (
    "cmbot reads the disk, its volumes and the zone, and posts a card in the cluster's operations channel. Nothing is "
    "sent before the card is approved and the checks have passed again."
)
_OFFLINE = (
    "cmbot makes the disk read-only, checks again, and then drops it: two requests, each sent once. A drop cannot be "
    "cancelled. The card shows the units that are left until none is, and then if the disk may be pulled. "
)
READONLY = Command(
    path=("disk", "readonly"),
    summary="Make a disk read-only: it takes no new data, and keeps what it has.",
    args=DiskChangeArgs,
    run=run_readonly,
    role=Role.OPERATOR,
    changes=True,
    manual="preflight.md",
    examples=("/cm disk readonly 7", '/cm disk readonly 7 prod reason="slow disk"'),
    notes=_NOTES,
)
WRITABLE = Command(
    path=("disk", "writable"),
    summary="Make a read-only disk writable again.",
    args=DiskChangeArgs,
    run=run_writable,
    role=Role.OPERATOR,
    changes=True,
    manual="preflight.md",
    examples=("/cm disk writable 7", "/cm disk writable 7 prod dry-run=yes"),
    notes=_NOTES,
)
BROKEN = Command(
    path=("disk", "broken"),
    summary="Declare a disk broken: its units count as lost and are repaired elsewhere.",
    args=DiskBrokenArgs,
    run=run_broken,
    role=Role.OPERATOR,
    changes=True,
    manual="preflight.md",
    examples=('/cm disk broken 7 reason="does not spin up"',),
    notes=f"It cannot be taken back. To move the data off a disk that can be read, use /cm disk offline. {_NOTES}",
)
OFFLINE = Command(
    path=("disk", "offline"),
    summary="Take a disk out of service: read-only, then dropped; several one after another.",
    args=DisksChangeArgs,
    run=run_offline,
    role=Role.OPERATOR,
    changes=True,
    manual="preflight.md",
    examples=('/cm disk offline 7 reason="replace it"', '/cm disk offline 7 8 9 prod reason="old model"'),
    notes=(
        f"{_OFFLINE}Of several disks the next one begins when the limits per host and zone allow it; a check that "
        f"refuses one stops the rest. {_NOTES}"
    ),
)
NODE_OFFLINE = Command(
    path=("node", "offline"),
    summary="Take a blobnode out of service: its disks one after another, then the node.",
    args=NodeChangeArgs,
    run=run_node_offline,
    role=Role.OPERATOR,
    changes=True,
    manual="preflight.md",
    examples=('/cm node offline 10.0.0.7:8889 reason="new hardware"',),
    notes=f"{_OFFLINE}The node itself is dropped last, where the release has that call (not v1). {_NOTES}",
)
