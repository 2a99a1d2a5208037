"""Worked examples of membership changes: healthy groups, peers with faults, learners, odd sizes, lost quorums."""

from bot.operations.model import OpState
from bot.operations.preflight.context import OpenOperation, PreflightContext
from bot.operations.preflight.facts.members import NodeDoubt
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, OpKind
from tests.docgen import cluster_fixture as s
from tests.docgen.cluster_fixture import Scene
from tests.docgen.examples import ANSWERS, BLOCK, PASS, WARN, Row, Situation, learner, voter

_FIVE = (1, 2, 3, 4, 5)
_SILENT = PreflightContext(node_answers=False)
_OF_AGENT = PreflightContext(node_doubt=NodeDoubt.NOT_ASKED)
_GONE = frozenset


def _op(state: OpState, kind: OpKind = OpKind.MEMBER_ADD) -> PreflightContext:
    return PreflightContext(operations=(OpenOperation(12, kind, state),), node_answers=True)


HEALTHY = (
    Situation(
        "3 voters, all healthy",
        Scene(),
        (
            Row(learner(4), PASS, "quorum", ANSWERS),
            Row(learner(4), WARN, "answers"),
            Row(learner(4), WARN, "answers", _OF_AGENT),
            Row(learner(4), WARN, "answers", _SILENT),
            Row(voter(4), WARN, "learner_first", ANSWERS),
            Row(voter(4), BLOCK, "answers", _SILENT),
            Row(MemberAdd(4, s.raft_name(4), ""), BLOCK, "node", ANSWERS),
            Row(MemberAdd(4, s.raft_name(4), ""), WARN, "node", PreflightContext(dialect="v1")),
            Row(learner(3), BLOCK, "id", ANSWERS),
            Row(MemberAdd(4, s.raft_name(3), s.host_name(4)), BLOCK, "host", ANSWERS),
            Row(MemberAdd(4, s.raft_name(4), s.host_name(3)), BLOCK, "node", ANSWERS),
            Row(MemberAdd(4, s.host_name(2), s.host_name(4)), BLOCK, "host", ANSWERS),
            Row(MemberAdd(4, s.raft_name(4), s.raft_name(2)), BLOCK, "node", ANSWERS),
            Row(MemberRemove(3), WARN, "quorum"),
            Row(MemberRemove(1), BLOCK, "peer"),
            Row(MemberRemove(9), BLOCK, "peer"),
            Row(learner(4), BLOCK, "operations", _op(OpState.RUNNING)),
            Row(learner(4), BLOCK, "operations", _op(OpState.UNKNOWN)),
            Row(MemberRemove(3), BLOCK, "operations", _op(OpState.WAITING, OpKind.LEADER_TRANSFER)),
            Row(MemberRemove(3), WARN, "voters", _op(OpState.WAITING, OpKind.TASK_SWITCH)),
        ),
    ),
    Situation(
        "5 voters, all healthy",
        Scene(voters=_FIVE),
        (
            Row(MemberRemove(5), WARN, "voters"),
            Row(voter(6), WARN, "voters", ANSWERS),
            Row(learner(6), PASS, "quorum", ANSWERS),
        ),
    ),
    Situation(
        "4 voters, all healthy",
        Scene(voters=(1, 2, 3, 4)),
        (Row(MemberRemove(4), PASS, "quorum"), Row(voter(5), WARN, "learner_first", ANSWERS)),
    ),
)

FAULTS = (
    Situation(
        "3 voters, peer 3 dead for a while",
        Scene(peers={3: s.DOWN}, silent=_GONE({3})),
        (
            Row(MemberRemove(3), WARN, "quorum"),
            Row(MemberRemove(2), BLOCK, "quorum"),
            Row(voter(4), BLOCK, "quorum", ANSWERS),
            Row(learner(4), WARN, "quorum", ANSWERS),
        ),
    ),
    Situation(
        "3 voters, peer 3 dead, shown as StateReplicate with lag 0 (the recorded disaster)",
        Scene(peers={3: s.DOWN_LAG_0}, silent=_GONE({3})),
        (Row(MemberRemove(2), BLOCK, "quorum"), Row(MemberRemove(3), WARN, "quorum")),
    ),
    Situation(
        "3 voters, peer 3 killed a moment ago, still active with lag 0",
        Scene(only_now_silent=_GONE({3})),
        (Row(MemberRemove(2), BLOCK, "quorum"), Row(MemberRemove(3), WARN, "quorum")),
    ),
    Situation(
        "3 voters, peer 3 dead since before the leader was elected (StateProbe, match 0)",
        Scene(peers={3: s.DOWN_BEFORE_ELECTION}, silent=_GONE({3})),
        (
            Row(MemberRemove(3), WARN, "quorum"),
            Row(MemberRemove(2), BLOCK, "quorum"),
            Row(learner(4), BLOCK, "catching_up", ANSWERS),
        ),
    ),
    Situation(
        "3 voters, peer 3 lags by 5,000 entries",
        Scene(peers={3: s.LAGGING}),
        (Row(MemberRemove(3), WARN, "quorum"), Row(MemberRemove(2), BLOCK, "quorum")),
    ),
    Situation(
        "3 voters, peer 3 paused",
        Scene(peers={3: s.PAUSED}),
        (Row(MemberRemove(2), BLOCK, "quorum"), Row(MemberRemove(3), WARN, "quorum")),
    ),
    Situation(
        "3 voters, peer 3 probing",
        Scene(peers={3: s.PROBING}),
        (Row(MemberRemove(2), BLOCK, "quorum"), Row(voter(4), BLOCK, "quorum", ANSWERS)),
    ),
    Situation(
        "3 voters, peer 3 being sent a snapshot",
        Scene(peers={3: s.SNAPSHOTTING}),
        (Row(MemberRemove(3), WARN, "quorum"), Row(learner(4), BLOCK, "catching_up", ANSWERS)),
    ),
    Situation(
        "5 voters, peer 5 dead",
        Scene(voters=_FIVE, peers={5: s.DOWN}, silent=_GONE({5})),
        (
            Row(MemberRemove(5), WARN, "voters"),
            Row(MemberRemove(4), WARN, "quorum"),
            Row(voter(6), WARN, "quorum", ANSWERS),
        ),
    ),
    Situation(
        "5 voters, peers 4 and 5 dead",
        Scene(voters=_FIVE, peers={4: s.DOWN, 5: s.DOWN}, silent=_GONE({4, 5})),
        (
            Row(MemberRemove(5), WARN, "quorum"),
            Row(MemberRemove(3), BLOCK, "quorum"),
            Row(voter(6), BLOCK, "quorum", ANSWERS),
        ),
    ),
    Situation(
        "4 voters, peers 3 and 4 dead, the leader has not stepped down yet",
        Scene(voters=(1, 2, 3, 4), peers={3: s.DOWN, 4: s.DOWN}, silent=_GONE({3, 4})),
        (Row(MemberRemove(4), BLOCK, "commit"), Row(MemberRemove(2), BLOCK, "quorum")),
    ),
    Situation(
        "4 voters, peers 3 and 4 dead, the leader elected a moment ago",
        Scene(voters=(1, 2, 3, 4), peers={1: s.JUST_ELECTED, 3: s.DOWN, 4: s.DOWN}, silent=_GONE({3, 4})),
        (Row(MemberRemove(4), WARN, "commit"), Row(learner(5), BLOCK, "quorum", ANSWERS)),
    ),
    Situation(
        "4 voters, peers 3 and 4 active and far behind",
        Scene(voters=(1, 2, 3, 4), peers={3: s.LAGGING, 4: s.LAGGING}),
        (Row(MemberRemove(4), WARN, "commit"),),
    ),
)

LEARNERS = (
    Situation(
        "3 voters, learner 4 caught up",
        Scene(learners=(4,)),
        (
            Row(MemberRemove(4), PASS, "peer"),
            Row(voter(4), BLOCK, "id", ANSWERS),
            Row(learner(5), PASS, "quorum", ANSWERS),
        ),
    ),
    Situation(
        "3 voters, learner 4 catching up",
        Scene(learners=(4,), peers={4: s.SNAPSHOTTING}),
        (
            Row(MemberRemove(4), PASS, "peer"),
            Row(learner(5), BLOCK, "catching_up", ANSWERS),
            Row(MemberRemove(3), BLOCK, "catching_up"),
            Row(LeaderTransfer(2), WARN, "catching_up"),
        ),
    ),
    Situation(
        "3 voters, learner 4 just removed, its node still answers with its old view",
        Scene(extra={s.host_name(4): (4, 1, 7)}),
        (
            Row(voter(4), WARN, "quorum", ANSWERS),
            Row(MemberRemove(4), BLOCK, "peer"),
            Row(MemberAdd(5, s.raft_name(5), s.host_name(4)), BLOCK, "node", ANSWERS),
            Row(MemberAdd(4, s.raft_name(4), s.host_name(5)), BLOCK, "id", ANSWERS),
        ),
    ),
    Situation(
        "4 voters, peer 4 just added and unreachable (active, StateProbe, paused)",
        Scene(voters=(1, 2, 3, 4), peers={4: s.NEW_UNREACHABLE}, silent=_GONE({4})),
        (
            Row(MemberRemove(4), PASS, "quorum"),
            Row(MemberRemove(3), BLOCK, "catching_up"),
            Row(voter(5), BLOCK, "catching_up", ANSWERS),
        ),
    ),
)

SIZES = (
    Situation(
        "a single node",
        Scene(voters=(1,)),
        (
            Row(MemberRemove(1), BLOCK, "peer"),
            Row(learner(2), WARN, "quorum", ANSWERS),
            Row(voter(2), BLOCK, "quorum", ANSWERS),
        ),
    ),
    Situation(
        "2 voters, both healthy",
        Scene(voters=(1, 2)),
        (
            Row(MemberRemove(2), WARN, "voters"),
            Row(voter(3), WARN, "quorum", ANSWERS),
            Row(MemberRemove(1), BLOCK, "peer"),
        ),
    ),
    Situation(
        "2 voters, peer 2 dead, the leader has not stepped down yet",
        Scene(voters=(1, 2), peers={2: s.DOWN}, silent=_GONE({2})),
        (
            Row(MemberRemove(2), BLOCK, "commit"),
            Row(learner(3), BLOCK, "quorum", ANSWERS),
            Row(voter(3), BLOCK, "quorum", ANSWERS),
        ),
    ),
)
