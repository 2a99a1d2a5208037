"""Requests to a cluster, and how a change is wanted: frozen values that cannot hold a bad value. No I/O."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from bot.common.errors import Refused
from bot.operations.addresses import check_peer_id, parse_address
from bot.operations.request_problems import AddressesEqual, AddressKind, BadTaskName, FlagMissing, PeerIdUse

_TASK = re.compile(r"[a-z][a-z0-9_]{0,63}")


class OpKind(StrEnum):
    """Kind of change; the stored form of the class of a request."""

    TASK_SWITCH = "task_switch"
    MEMBER_ADD = "member_add"
    MEMBER_REMOVE = "member_remove"
    LEADER_TRANSFER = "leader_transfer"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class MemberRemove:
    """Remove a raft member. Raises Refused when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.MEMBER_REMOVE
    peer_id: int

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id, PeerIdUse.REMOVE)


@dataclass(frozen=True, slots=True)
class LeaderTransfer:
    """Move leadership to a voter. Raises Refused when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.LEADER_TRANSFER
    peer_id: int

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id, PeerIdUse.LEAD)


@dataclass(frozen=True, slots=True)
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


Request = MemberAdd | MemberRemove | LeaderTransfer | TaskSwitch


def _check_flag(value: object, argument: str) -> None:
    if not isinstance(value, bool):
        raise Refused(FlagMissing(argument))


def _check_task(value: object) -> None:
    if not isinstance(value, str) or not _TASK.fullmatch(value):
        raise Refused(BadTaskName())
