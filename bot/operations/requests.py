"""Requests to a cluster, and how a change is wanted: frozen values that cannot hold a bad value. No I/O."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from bot.common.errors import Refused
from bot.common.frozen import frozen
from bot.operations.addresses import check_peer_id, parse_address
from bot.operations.request_problems import (
    AddressesEqual,
    AddressKind,
    BadDiskCount,
    BadDiskId,
    BadNodeId,
    BadTaskName,
    DiskTwice,
    FlagMissing,
    PeerIdUse,
)

_TASK = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_ID = 2**32 - 1
"""Largest id of a disk or a node: the server stores an unsigned 32-bit number."""
MAX_DISKS_AT_ONCE = 64
"""Limit of disks that one request takes out of service one after another."""


class OpKind(StrEnum):
    """Kind of change; the stored form of the class of a request."""

    TASK_SWITCH = "task_switch"
    MEMBER_ADD = "member_add"
    MEMBER_REMOVE = "member_remove"
    LEADER_TRANSFER = "leader_transfer"
    DISK_ACCESS = "disk_access"
    DISK_BROKEN = "disk_broken"
    DISK_OFFLINE = "disk_offline"
    DISKS_OFFLINE = "disks_offline"
    NODE_OFFLINE = "node_offline"
    NODE_DROP = "node_drop"


FIRST_READ_BY: Mapping[OpKind, str] = dict.fromkeys(
    (
        OpKind.DISK_ACCESS,
        OpKind.DISK_BROKEN,
        OpKind.DISK_OFFLINE,
        OpKind.DISKS_OFFLINE,
        OpKind.NODE_OFFLINE,
        OpKind.NODE_DROP,
    ),
    "0015",
)
"""Schema revision of the first release that can read operations of a kind; kinds of 0.1.0 are left out."""


AGENT_FIRST_READ_BY = "0015"
"""Schema revision of the first release that knows proposals of agents: an earlier one lets the requester approve."""


@frozen
class MemberAdd:
    """Add a raft member: `host` is its raft address, `node_host` its service address ("" where the server knows none).

    Raises Refused when a value is not valid.
    """

    kind: ClassVar[OpKind] = OpKind.MEMBER_ADD
    peer_id: int
    host: str
    node_host: str = ""
    learner: bool = True

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id)
        object.__setattr__(self, "host", parse_address(self.host, AddressKind.RAFT))
        if self.node_host != "":
            object.__setattr__(self, "node_host", parse_address(self.node_host, AddressKind.SERVICE))
        if self.host == self.node_host:
            raise Refused(AddressesEqual(self.host))
        _check_flag(self.learner, "as=")


@frozen
class MemberRemove:
    """Remove a raft member. Raises Refused when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.MEMBER_REMOVE
    peer_id: int

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id, PeerIdUse.REMOVE)


@frozen
class LeaderTransfer:
    """Move leadership to a voter. Raises Refused when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.LEADER_TRANSFER
    peer_id: int

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id, PeerIdUse.LEAD)


@frozen
class TaskSwitch:
    """Turn a background task on or off; the dialect of a cluster decides if it has such a task.

    Raises Refused when the name cannot be a task's name.
    """

    kind: ClassVar[OpKind] = OpKind.TASK_SWITCH
    task: str
    on: bool

    def __post_init__(self) -> None:
        _check_task(self.task)
        _check_flag(self.on, "on")


@frozen
class DiskAccess:
    """Make a disk read-only, or writable again. Raises Refused when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.DISK_ACCESS
    disk_id: int
    readonly: bool

    def __post_init__(self) -> None:
        check_disk_id(self.disk_id)
        _check_flag(self.readonly, "readonly")


@frozen
class DiskBroken:
    """Declare a disk broken: its units are lost, and are repaired elsewhere. Raises Refused for a bad id."""

    kind: ClassVar[OpKind] = OpKind.DISK_BROKEN
    disk_id: int

    def __post_init__(self) -> None:
        check_disk_id(self.disk_id)


@frozen
class DiskOffline:
    """Take one disk out of service: make it read-only, then drop it. Raises Refused when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.DISK_OFFLINE
    disk_id: int

    def __post_init__(self) -> None:
        check_disk_id(self.disk_id)


@frozen
class DisksOffline:
    """Take several disks out of service, one after another, in this order.

    Raises Refused when an id is not valid or is given twice, or when there are none or more than MAX_DISKS_AT_ONCE.
    """

    kind: ClassVar[OpKind] = OpKind.DISKS_OFFLINE
    disk_ids: tuple[int, ...]

    def __post_init__(self) -> None:
        given: object = self.disk_ids
        if not isinstance(given, tuple | list) or not 0 < len(given) <= MAX_DISKS_AT_ONCE:
            raise Refused(BadDiskCount(MAX_DISKS_AT_ONCE))
        ids = tuple(map(check_disk_id, given))
        twice = next((disk for at, disk in enumerate(ids) if disk in ids[:at]), None)
        if twice is not None:
            raise Refused(DiskTwice(twice))
        object.__setattr__(self, "disk_ids", ids)


@frozen
class NodeOffline:
    """Take the disks of a blobnode out of service one after another, then the node; `host` is its address.

    Raises Refused when the address is not valid.
    """

    kind: ClassVar[OpKind] = OpKind.NODE_OFFLINE
    host: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", parse_address(self.host, AddressKind.BLOBNODE))


@frozen
class NodeDrop:
    """Drop a node whose disks are out of service. Raises Refused when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.NODE_DROP
    node_id: int

    def __post_init__(self) -> None:
        if not _is_id(self.node_id):
            raise Refused(BadNodeId())


MemberRequest = MemberAdd | MemberRemove | LeaderTransfer
OneDiskRequest = DiskAccess | DiskBroken | DiskOffline
DiskRequest = OneDiskRequest | DisksOffline | NodeOffline | NodeDrop
Request = MemberRequest | TaskSwitch | DiskRequest


def check_disk_id(value: object) -> int:
    """Check a disk id; raises Refused unless it is a whole number between 1 and 2^32-1."""
    if isinstance(value, bool) or not isinstance(value, int) or not _is_id(value):
        raise Refused(BadDiskId())
    return value


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID


def _check_flag(value: object, argument: str) -> None:
    if not isinstance(value, bool):
        raise Refused(FlagMissing(argument))


def _check_task(value: object) -> None:
    if not isinstance(value, str) or not _TASK.fullmatch(value):
        raise Refused(BadTaskName())
