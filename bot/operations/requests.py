"""Requests to a cluster, and how a change is wanted: frozen values that cannot hold a bad value. No I/O."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from bot.common.errors import UserError
from bot.operations.addresses import ZERO_LEADS, ZERO_REMOVED, check_peer_id, parse_address, shown

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

    Raises UserError when a value is not valid.
    """

    kind: ClassVar[OpKind] = OpKind.MEMBER_ADD
    peer_id: int
    host: str
    node_host: str = ""
    learner: bool = True

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id)
        object.__setattr__(self, "host", parse_address(self.host, "raft address"))
        if self.node_host != "":
            object.__setattr__(self, "node_host", parse_address(self.node_host, "service address (node=)"))
        if self.host == self.node_host:
            raise UserError(
                f"The raft address and the service address (node=) are both {shown(self.host)}: a node has two ports; "
                "`/cm members` shows those of the others."
            )
        _check_flag(self.learner, "as=")


@dataclass(frozen=True, slots=True)
class MemberRemove:
    """Remove a raft member. Raises UserError when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.MEMBER_REMOVE
    peer_id: int

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id, ZERO_REMOVED)


@dataclass(frozen=True, slots=True)
class LeaderTransfer:
    """Move leadership to a voter. Raises UserError when the id is not valid."""

    kind: ClassVar[OpKind] = OpKind.LEADER_TRANSFER
    peer_id: int

    def __post_init__(self) -> None:
        check_peer_id(self.peer_id, ZERO_LEADS)


@dataclass(frozen=True, slots=True)
class TaskSwitch:
    """Turn a background task on or off; the dialect of a cluster decides if it has such a task.

    Raises UserError when the name cannot be a task's name.
    """

    kind: ClassVar[OpKind] = OpKind.TASK_SWITCH
    task: str
    on: bool

    def __post_init__(self) -> None:
        _check_task(self.task)
        _check_flag(self.on, "on")


Request = MemberAdd | MemberRemove | LeaderTransfer | TaskSwitch


def _check_flag(value: object, name: str) -> None:
    if not isinstance(value, bool):
        raise UserError(f"The request has no yes or no for {name}: type the command again.")


def _check_task(value: object) -> None:
    if not isinstance(value, str) or not _TASK.fullmatch(value):
        raise UserError("A task's name has small letters and underscores, as in `disk_repair`: see `/cm tasks`.")
