"""Worked examples of disks that are changed."""

from dataclasses import replace

from bot.clustermgr.disk_facts import DiskLimits
from bot.clustermgr.models import DiskStatus
from bot.clustermgr.tasks import Dialect
from bot.operations.model import OpState
from bot.operations.preflight.context import OpenOperation, PreflightContext
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    NodeDrop,
    NodeOffline,
    OpKind,
    Request,
)
from tests.docgen import cluster_fixture as s
from tests.docgen.cluster_fixture import Scene
from tests.docgen.disk_fixture import DiskScene
from tests.docgen.examples import BLOCK, PASS, WARN, Row, Situation

OFFLINE, BROKEN, READONLY, WRITABLE = DiskOffline(7), DiskBroken(7), DiskAccess(7, True), DiskAccess(7, False)  # noqa: FBT003 - the flag is the request
_CHANGES: tuple[Request, ...] = (OFFLINE, BROKEN, READONLY, WRITABLE)
_SOME = frozenset
_B, _R, _D, _X = DiskStatus.BROKEN, DiskStatus.REPAIRING, DiskStatus.REPAIRED, DiskStatus.DROPPED


def _op(kind: OpKind, *disks: int, task: str = "", host: str = "", state: OpState = OpState.WAITING) -> OpenOperation:
    return OpenOperation(12, kind, state, task, disks, host)


def _situation(words: str, scene: DiskScene, *rows: Row, group: Scene | None = None) -> Situation:
    facts = scene.facts()
    given = tuple(replace(row, facts=replace(row.facts, disks=facts)) for row in rows)
    return Situation(words, group or Scene(), given)


def _with(*operations: OpenOperation) -> PreflightContext:
    return PreflightContext(operations=operations)


DISK_STATES = (
    _situation(
        "disk 7 is normal and writable; nothing is wrong",
        DiskScene(),
        Row(OFFLINE, WARN, "consequence"),
        Row(BROKEN, WARN, "consequence"),
        Row(READONLY, PASS, "consequence"),
        Row(WRITABLE, PASS, "already_so"),
    ),
    _situation(
        "disk 7 is read-only",
        DiskScene(readonly=_SOME({7})),
        Row(OFFLINE, WARN, "consequence"),
        Row(READONLY, PASS, "already_so"),
        Row(WRITABLE, PASS, "consequence"),
    ),
    _situation(
        "disk 7 is being dropped (v3.2 and later)",
        DiskScene(readonly=_SOME({7}), dropping=_SOME({7})),
        Row(OFFLINE, PASS, "already_so"),
        Row(BROKEN, BLOCK, "disk"),
        Row(READONLY, PASS, "already_so"),
        Row(WRITABLE, BLOCK, "disk"),
    ),
    _situation(
        "disk 7 is being dropped (v1)",
        DiskScene(
            readonly=_SOME({7}),
            dropping=_SOME({7}),
            dialect=Dialect.V1,
            switches=dict.fromkeys(("disk_drop", "disk_repair", "shard_repair"), "Enable"),
        ),
        Row(BROKEN, WARN, "disk"),
        Row(WRITABLE, BLOCK, "disk"),
    ),
    _situation(
        "disk 7 is broken",
        DiskScene(states={7: _B}),
        Row(OFFLINE, BLOCK, "disk"),
        Row(BROKEN, PASS, "already_so"),
        Row(READONLY, BLOCK, "disk"),
    ),
    _situation(
        "disk 7 is being repaired",
        DiskScene(states={7: _R}),
        Row(OFFLINE, BLOCK, "disk"),
        Row(BROKEN, PASS, "already_so"),
    ),
    _situation(
        "disk 7 is repaired",
        DiskScene(states={7: _D}),
        Row(OFFLINE, PASS, "already_so"),
        Row(BROKEN, BLOCK, "disk"),
        Row(WRITABLE, BLOCK, "disk"),
    ),
    _situation("disk 7 is dropped", DiskScene(states={7: _X}), Row(OFFLINE, PASS, "already_so")),
    _situation(
        "disk 7 is in state 9, which this release of cmbot does not know",
        DiskScene(states={7: 9}),
        *(Row(change, BLOCK, "disk") for change in _CHANGES),
    ),
    _situation(
        "the cluster does not know disk 99",
        DiskScene(),
        Row(DiskOffline(99), BLOCK, "disk"),
        Row(DiskBroken(99), BLOCK, "disk"),
    ),
    _situation(
        "the disks could not be read", DiskScene(listed=False), *(Row(change, BLOCK, "disks") for change in _CHANGES)
    ),
    _situation(
        "the dropping list could not be read",
        DiskScene(dropping=None),
        Row(OFFLINE, BLOCK, "dropping"),
        Row(BROKEN, BLOCK, "dropping"),
        Row(READONLY, PASS, "consequence"),
    ),
)

DISK_VOLUMES = (
    _situation(
        "a volume of disk 7 (EC3P3) has lost 1 unit",
        DiskScene(states={1: _B}, limits=DiskLimits(9, 9)),
        Row(OFFLINE, WARN, "consequence"),
        Row(BROKEN, WARN, "volumes"),
    ),
    _situation(
        "a volume of disk 7 (EC3P3) has lost 2 units",
        DiskScene(states={1: _B, 2: _R}, limits=DiskLimits(9, 9)),
        Row(OFFLINE, WARN, "volumes"),
        Row(BROKEN, BLOCK, "volumes"),
        Row(READONLY, WARN, "volumes"),
    ),
    _situation(
        "a volume of disk 7 (EC3P3) has lost 3 units",
        DiskScene(states={1: _B, 2: _B, 5: _D}, limits=DiskLimits(9, 9)),
        Row(OFFLINE, BLOCK, "volumes"),
        Row(BROKEN, BLOCK, "volumes"),
        Row(READONLY, WARN, "volumes"),
    ),
    _situation(
        "a volume of disk 7 has lost 2 units, and 2 others are unreachable (inferred)",
        DiskScene(
            states={1: _B, 2: _B},
            volumes={1: (1, 2, 5, 7, 9, 10), 2: (3, 4, 5, 7, 11, 12)},
            health={1: -4},
            expired={"z0": 4},
            limits=DiskLimits(9, 9),
        ),
        Row(OFFLINE, BLOCK, "volumes"),
    ),
    _situation(
        "a disk of the zone has no heartbeat, and nothing names it",
        DiskScene(expired={"z0": 1}),
        Row(OFFLINE, WARN, "heartbeats"),
        Row(BROKEN, WARN, "heartbeats"),
    ),
    _situation(
        "the units of disk 7 could not be read",
        DiskScene(units_unread=True),
        Row(OFFLINE, BLOCK, "volumes_unread"),
        Row(BROKEN, BLOCK, "volumes_unread"),
        Row(READONLY, WARN, "volumes_unread"),
    ),
    _situation(
        "1 of 3 volumes of disk 7 could not be read in time",
        DiskScene(unread=(2,)),
        Row(OFFLINE, BLOCK, "volumes_unread"),
        Row(BROKEN, BLOCK, "volumes_unread"),
    ),
    _situation(
        "a volume of disk 7 has a unit on a disk that is not in the list",
        DiskScene(volumes={1: (1, 2, 5, 7, 9, 77)}),
        Row(OFFLINE, BLOCK, "volumes_unread"),
    ),
    _situation(
        "the volumes of disk 7 have an unknown code mode (241)",
        DiskScene(mode=241),
        Row(OFFLINE, BLOCK, "code_modes"),
        Row(BROKEN, BLOCK, "code_modes"),
        Row(WRITABLE, PASS, "already_so"),
    ),
    _situation(
        "no unit is on disk 7",
        DiskScene(volumes={}),
        Row(OFFLINE, WARN, "consequence"),
        Row(BROKEN, WARN, "consequence"),
    ),
    _situation(
        "shard_repair is off",
        DiskScene(switches={"disk_drop": "true", "disk_repair": "true", "shard_repair": "false"}),
        Row(OFFLINE, WARN, "shard_repair"),
        Row(BROKEN, WARN, "shard_repair"),
    ),
    _situation(
        "copies: the volumes of disk 7 are Replica3, and one copy is lost",
        DiskScene(mode=101, volumes={1: (1, 5, 7)}, states={1: _B}, limits=DiskLimits(9, 9)),
        Row(OFFLINE, WARN, "volumes"),
        Row(BROKEN, BLOCK, "volumes"),
    ),
)

DISK_ROOM = (
    _situation(
        "the other disks of the zone have 11 free chunks together, one each",
        DiskScene(free=1),
        Row(OFFLINE, WARN, "consequence"),
    ),
    _situation(
        "the other disks of the zone have no free chunk",
        DiskScene(free=0),
        Row(OFFLINE, BLOCK, "room"),
        Row(BROKEN, BLOCK, "room"),
        Row(READONLY, PASS, "consequence"),
    ),
    _situation(
        "all other disks of the zone are read-only: nothing may be written",
        DiskScene(readonly=frozenset(range(1, 13)) - {7}),
        Row(OFFLINE, BLOCK, "room"),
    ),
    _situation(
        "the other disks have 11 free chunks; the 20 chunks of a broken disk must move too",
        DiskScene(free=1, states={12: _B}, limits=DiskLimits(9, 9)),
        Row(OFFLINE, BLOCK, "room"),
    ),
    _situation(
        "the other disks have free chunks, but not enough free space",
        DiskScene(free_bytes=1 << 20),
        Row(OFFLINE, BLOCK, "room"),
    ),
    _situation(
        "no other disk has a free chunk",
        DiskScene(free=0),
        Row(OFFLINE, BLOCK, "place"),
    ),
    _situation(
        "a volume of disk 7 has a unit on every good disk of the zone",
        DiskScene(volumes={1: (1, 2, 5, 7, 9, 10)}, readonly=_SOME({3, 4, 6, 8, 11, 12})),
        Row(OFFLINE, BLOCK, "place"),
        Row(BROKEN, BLOCK, "place"),
    ),
    _situation(
        "disk 5 of the same host is being dropped",
        DiskScene(dropping=_SOME({5}), readonly=_SOME({5})),
        Row(OFFLINE, BLOCK, "limits"),
        Row(BROKEN, WARN, "limits"),
        Row(READONLY, PASS, "consequence"),
    ),
    _situation(
        "one disk of another host is broken, in the same zone",
        DiskScene(states={12: _B}),
        Row(OFFLINE, WARN, "consequence"),
    ),
    _situation(
        "one disk of the zone is broken and one is being repaired, on other hosts",
        DiskScene(states={4: _B, 12: _R}),
        Row(OFFLINE, BLOCK, "limits"),
    ),
)

DISK_WORK = (
    _situation(
        "disk_drop and disk_repair are off",
        DiskScene(switches={"disk_drop": "false", "disk_repair": "false", "shard_repair": "true"}),
        Row(OFFLINE, BLOCK, "task"),
        Row(BROKEN, BLOCK, "task"),
    ),
    _situation(
        "disk_drop is stored as Enable, which v3 takes as off",
        DiskScene(switches={"disk_drop": "Enable", "disk_repair": "true", "shard_repair": "true"}),
        Row(OFFLINE, BLOCK, "task"),
    ),
    _situation(
        "disk_drop is unset in v1, so services keep their last value",
        DiskScene(dialect=Dialect.V1, switches={"disk_drop": None, "disk_repair": None, "shard_repair": "Enable"}),
        Row(OFFLINE, WARN, "task"),
    ),
    _situation("the switches could not be read", DiskScene(switches={}), Row(OFFLINE, BLOCK, "task")),
    _situation("no scheduler is registered", DiskScene(services=()), Row(OFFLINE, BLOCK, "scheduler")),
    _situation("the services could not be read", DiskScene(services=None), Row(OFFLINE, BLOCK, "scheduler")),
    _situation(
        "other operations are open",
        DiskScene(),
        Row(OFFLINE, BLOCK, "operations", _with(_op(OpKind.DISK_ACCESS, 7))),
        Row(BROKEN, BLOCK, "operations", _with(_op(OpKind.DISKS_OFFLINE, 6, 7))),
        Row(OFFLINE, BLOCK, "operations", _with(_op(OpKind.NODE_OFFLINE, host="10.0.1.2:8889"))),
        Row(OFFLINE, WARN, "consequence", _with(_op(OpKind.DISK_OFFLINE, 9))),
        Row(OFFLINE, WARN, "beside", _with(_op(OpKind.MEMBER_REMOVE))),
        Row(OFFLINE, WARN, "beside", _with(_op(OpKind.TASK_SWITCH, task="disk_drop"))),
        Row(OFFLINE, WARN, "consequence", _with(_op(OpKind.TASK_SWITCH, task="balance"))),
    ),
    _situation(
        "voters 2 and 3 are dead, and the leader has not stepped down yet",
        DiskScene(),
        Row(OFFLINE, BLOCK, "quorum"),
        group=Scene(peers={2: s.DOWN, 3: s.DOWN}, silent=_SOME({2, 3})),
    ),
    _situation("no host names a leader", DiskScene(), Row(OFFLINE, BLOCK, "leader"), group=Scene(leader=0)),
)

SEVERAL_DISKS = (
    _situation(
        "several disks, nothing is wrong",
        DiskScene(targets=(6, 7)),
        Row(DisksOffline((6, 7)), WARN, "consequence"),
        Row(DisksOffline((6, 99)), BLOCK, "disk"),
        Row(DisksOffline((6, 7)), BLOCK, "operations", _with(_op(OpKind.NODE_OFFLINE, host="10.0.1.3:8889"))),
    ),
    _situation(
        "disk 6 is dropped already, disk 7 is broken",
        DiskScene(targets=(6, 7), states={6: _X, 7: _B}),
        Row(DisksOffline((6, 7)), BLOCK, "disk"),
    ),
    _situation(
        "all disks of the blobnode are normal",
        DiskScene(targets=(5, 6, 7, 8)),
        Row(NodeOffline("10.0.1.2:8889"), WARN, "consequence"),
        Row(NodeOffline("10.0.9.9:8889"), BLOCK, "disk"),
        Row(NodeDrop(2), BLOCK, "disk"),
        Row(NodeDrop(9), BLOCK, "disk"),
    ),
    _situation(
        "without the disks of the blobnode the zone has five good disks for the six units of a volume",
        DiskScene(
            targets=(5, 6, 7, 8),
            volumes={1: (5, 6, 7, 8, 9, 10)},
            readonly=_SOME({1, 2, 3}),
            limits=DiskLimits(9, 9),
        ),
        Row(NodeOffline("10.0.1.2:8889"), BLOCK, "place"),
    ),
    _situation(
        "the volumes of disks 7 and 8 of the blobnode are too many to be read now",
        DiskScene(targets=(5, 6, 7, 8), later=(7, 8), limits=DiskLimits(9, 9)),
        Row(NodeOffline("10.0.1.2:8889"), WARN, "turns"),
    ),
    _situation(
        "disk 8 of the blobnode is broken",
        DiskScene(targets=(5, 6, 7, 8), states={8: _B}, limits=DiskLimits(9, 9)),
        Row(NodeOffline("10.0.1.2:8889"), WARN, "skipped"),
    ),
    _situation(
        "all disks of node 2 are dropped or repaired",
        DiskScene(states={5: _X, 6: _X, 7: _D, 8: _X}),
        Row(NodeDrop(2), PASS, "consequence"),
    ),
    _situation(
        "the release is v1, which has no nodes",
        DiskScene(dialect=Dialect.V1, switches={}),
        Row(NodeDrop(2), BLOCK, "disk"),
    ),
)
