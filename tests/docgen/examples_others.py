"""Worked examples of leadership and switches, and of clusters on which nothing can be judged."""

from bot.operations.model import OpState
from bot.operations.preflight.context import Meaning, OpenOperation, PreflightContext, SwitchReading
from bot.operations.requests import LeaderTransfer, MemberRemove, OpKind, TaskSwitch
from tests.docgen import cluster_fixture as s
from tests.docgen.cluster_fixture import Scene
from tests.docgen.examples import ANSWERS, BLOCK, PASS, WARN, Row, Situation, learner

_GONE = frozenset


def _switch(meaning: Meaning, raw: str | None, dialect: str | None = "v3") -> PreflightContext:
    return PreflightContext(dialect=dialect, switch=SwitchReading(raw, meaning))


_ON, _OFF = _switch("on", "true"), _switch("off", "false")
_BUSY = PreflightContext(
    dialect="v3",
    switch=SwitchReading("true", "on"),
    operations=(OpenOperation(7, OpKind.TASK_SWITCH, OpState.UNKNOWN, "balance"),),
)

LEADERSHIP = (
    Situation(
        "3 voters and learner 4, all healthy",
        Scene(learners=(4,)),
        (
            Row(LeaderTransfer(2), PASS, "target"),
            Row(LeaderTransfer(1), BLOCK, "target"),
            Row(LeaderTransfer(4), BLOCK, "target"),
            Row(LeaderTransfer(9), BLOCK, "target"),
        ),
    ),
    Situation(
        "3 voters, peer 3 dead",
        Scene(peers={3: s.DOWN}, silent=_GONE({3})),
        (Row(LeaderTransfer(3), BLOCK, "target"), Row(LeaderTransfer(2), WARN, "quorum")),
    ),
    Situation(
        "3 voters, peer 3 lags by 5,000 entries",
        Scene(peers={3: s.LAGGING}),
        (Row(LeaderTransfer(3), BLOCK, "target"),),
    ),
    Situation(
        "3 voters, peer 3 being sent a snapshot",
        Scene(peers={3: s.SNAPSHOTTING}),
        (Row(LeaderTransfer(3), BLOCK, "target"),),
    ),
    Situation(
        "3 voters, a transfer to peer 3 under way",
        Scene(transferee=3),
        (
            Row(LeaderTransfer(2), BLOCK, "transfer"),
            Row(MemberRemove(3), BLOCK, "transfer"),
            Row(TaskSwitch("balance", on=False), BLOCK, "transfer", _ON),
        ),
    ),
    Situation(
        "3 voters, the leader just elected (the look before was in an older term)",
        Scene(earlier={"term": 6, "leader": 2}),
        (
            Row(LeaderTransfer(2), BLOCK, "quorum"),
            Row(MemberRemove(3), BLOCK, "quorum"),
            Row(TaskSwitch("balance", on=False), PASS, "value", _ON),
        ),
    ),
    Situation(
        "3 voters, looked at only once",
        Scene(earlier=None),
        (Row(MemberRemove(3), BLOCK, "quorum"), Row(TaskSwitch("balance", on=False), PASS, "value", _ON)),
    ),
    Situation(
        "3 voters, the host of peer 3 is not configured",
        Scene(unlisted=_GONE({3})),
        (
            Row(LeaderTransfer(3), WARN, "target"),
            Row(LeaderTransfer(2), WARN, "quorum"),
            Row(MemberRemove(3), WARN, "quorum"),
            Row(MemberRemove(2), WARN, "quorum"),
        ),
    ),
    Situation(
        "3 voters, the leader has 20,000 committed entries to apply",
        Scene(applied=s.COMMIT - 20_000),
        (Row(learner(4), WARN, "applied", ANSWERS),),
    ),
)

NOT_EVALUATED = (
    Situation(
        "quorum lost: one host left, naming no leader",
        Scene(leader=0, silent=_GONE({1, 3})),
        (
            Row(MemberRemove(3), BLOCK, "leader"),
            Row(learner(4), BLOCK, "leader", ANSWERS),
            Row(LeaderTransfer(2), BLOCK, "leader"),
            Row(TaskSwitch("balance", on=True), BLOCK, "leader", _OFF),
        ),
    ),
    Situation(
        "no host answers",
        Scene(silent=_GONE({1, 2, 3})),
        (Row(MemberRemove(3), BLOCK, "reach"), Row(TaskSwitch("balance", on=True), BLOCK, "reach", _OFF)),
    ),
    Situation(
        "the leader's host is silent, followers name it",
        Scene(silent=_GONE({1})),
        (Row(MemberRemove(3), BLOCK, "leader"), Row(TaskSwitch("balance", on=True), BLOCK, "leader", _OFF)),
    ),
    Situation(
        "the leader is not among the configured hosts",
        Scene(unlisted=_GONE({1})),
        (Row(MemberRemove(3), BLOCK, "leader"), Row(TaskSwitch("balance", on=True), BLOCK, "leader", _OFF)),
    ),
    Situation(
        "two hosts answer as node 2",
        Scene(extra={"other:9998": (2, 1, 7)}),
        (Row(MemberRemove(3), BLOCK, "node_ids"), Row(TaskSwitch("balance", on=True), BLOCK, "node_ids", _OFF)),
    ),
    Situation(
        "two leaders in one term: the hosts of two clusters",
        Scene(extra={"other:9998": (8, 8, 7)}),
        (Row(MemberRemove(3), BLOCK, "leader"), Row(TaskSwitch("balance", on=True), BLOCK, "leader", _OFF)),
    ),
    Situation(
        "an old leader goes on, another host tells of a later term",
        Scene(views={3: (2, 8)}),
        (Row(MemberRemove(3), BLOCK, "leader"), Row(LeaderTransfer(2), BLOCK, "leader")),
    ),
    Situation(
        "a removed node, still configured, answers with a frozen view",
        Scene(extra={"cm4:9998": (4, 1, 5)}),
        (Row(LeaderTransfer(2), WARN, "hosts"), Row(TaskSwitch("balance", on=True), PASS, "value", _OFF)),
    ),
)

SWITCHES = (
    Situation(
        "3 voters, no disk broken",
        Scene(),
        (
            Row(TaskSwitch("balance", on=True), PASS, "already_so", _ON),
            Row(TaskSwitch("balance", on=True), PASS, "disks", _OFF),
            Row(TaskSwitch("balance", on=True), PASS, "value", _switch("meaningless", "Enable")),
            Row(TaskSwitch("balance", on=False), PASS, "value", _switch("unset", None)),
            Row(TaskSwitch("balance", on=True), BLOCK, "dialect", _switch("unset", None, None)),
            Row(TaskSwitch("balance", on=True), WARN, "value", PreflightContext(dialect="v3")),
            Row(TaskSwitch("balance", on=False), BLOCK, "operations", _BUSY),
            Row(TaskSwitch("disk_repair", on=False), PASS, "disks", _ON),
            Row(TaskSwitch("blob_delete", on=True), WARN, "consequence", _OFF),
            Row(TaskSwitch("blob_delete", on=False), WARN, "consequence", _ON),
            Row(TaskSwitch("vol_inspect", on=False), WARN, "consequence", _switch("on", "Enable", "v1")),
        ),
    ),
    Situation(
        "3 voters, two disks broken",
        Scene(bad_disks=(11, 12)),
        (
            Row(TaskSwitch("disk_repair", on=False), WARN, "disks", _ON),
            Row(TaskSwitch("disk_repair", on=True), PASS, "value", _OFF),
            Row(TaskSwitch("balance", on=True), WARN, "disks", _OFF),
            Row(TaskSwitch("disk_drop", on=True), WARN, "disks", _OFF),
            Row(TaskSwitch("balance", on=False), PASS, "value", _ON),
        ),
    ),
    Situation(
        "3 voters, the disks could not be asked",
        Scene(bad_disks=None),
        (Row(TaskSwitch("disk_repair", on=False), WARN, "disks", _ON),),
    ),
    Situation(
        "3 voters, peers 2 and 3 dead, the leader has not stepped down yet",
        Scene(peers={2: s.DOWN, 3: s.DOWN}, silent=_GONE({2, 3})),
        (Row(TaskSwitch("balance", on=False), WARN, "quorum", _ON),),
    ),
)
