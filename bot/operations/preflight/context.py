"""Facts for the checks besides the snapshots; the caller gathers them."""

from typing import Literal

from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.tasks import DialectEvidence
from bot.common.frozen import frozen
from bot.operations.model import Operation, OpState
from bot.operations.preflight.facts.members import NodeDoubt
from bot.operations.requests import DiskAccess, DiskBroken, DiskOffline, DisksOffline, NodeOffline, OpKind

Meaning = Literal["on", "off", "unset", "meaningless"]
"""Meaning of a stored switch value to the cluster."""

MEMBERSHIP = frozenset({OpKind.MEMBER_ADD, OpKind.MEMBER_REMOVE, OpKind.LEADER_TRANSFER})
"""Kinds of which one at a time may be open on a cluster."""
SEVERAL_DISKS = frozenset({OpKind.DISKS_OFFLINE, OpKind.NODE_OFFLINE, OpKind.NODE_DROP})
"""Kinds that change several disks: one at a time may be open on a cluster."""
DISKS = SEVERAL_DISKS | {OpKind.DISK_ACCESS, OpKind.DISK_BROKEN, OpKind.DISK_OFFLINE}
"""Kinds that change disks: one at a time may be open for each disk."""


@frozen
class OpenOperation:
    """Operation on the same cluster that is not final.

    `task` is the task of a switch, `disks` are the disks of a change of disks, `host` is the address of a blobnode
    that is taken offline.
    """

    id: int
    kind: OpKind
    state: OpState
    task: str = ""
    disks: tuple[int, ...] = ()
    host: str = ""


def open_operation(op: Operation) -> OpenOperation:
    """What the checks of another request need of an open operation."""
    disks: tuple[int, ...] = ()
    match op.request:
        case DiskAccess(disk_id=disk) | DiskBroken(disk_id=disk) | DiskOffline(disk_id=disk):
            disks = (disk,)
        case DisksOffline(disk_ids=given):
            disks = given
    host = op.request.host if isinstance(op.request, NodeOffline) else ""
    return OpenOperation(op.id, op.kind, op.state, op.task, disks, host)


@frozen
class SwitchReading:
    """Switch of a task as read: `raw` is the stored text (None: unset), `meaning` its meaning there."""

    raw: str | None
    meaning: Meaning


@frozen
class PreflightContext:
    """Facts of the caller; every default means "not known", which never makes the result milder.

    `operations` are the other open ones of that cluster. `node_answers` is True if the new node's service address
    answered (None: open, with the reason in `node_doubt` if it is known). `dialect` is "v1", "v3" or None while it is
    not known, `dialect_evidence` says why. `switch` is None when it could not be read, with the
    error's own sentence in `switch_why`. `replaces` are the dead and the new peer of a replacement. `disks` are the
    facts for a change of disks.
    """

    operations: tuple[OpenOperation, ...] = ()
    node_answers: bool | None = None
    node_doubt: NodeDoubt | None = None
    dialect: str | None = None
    dialect_evidence: DialectEvidence | None = None
    switch: SwitchReading | None = None
    switch_why: str = ""
    replaces: tuple[int, ...] = ()
    disks: DiskFacts | None = None
