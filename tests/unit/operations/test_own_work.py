"""The repairs and drops that operations began, beside those that the watch lists once a minute."""

from dataclasses import replace

import pytest

from bot.alerting.cluster_state.observations import Progress
from bot.alerting.cluster_state.state import ClusterState, DiskNote
from bot.alerting.progress import LeftCount
from bot.alerting.task_activity import WorkOnDisk
from bot.clustermgr.models import DiskStatus
from bot.operations.disk_offline import FOLLOWED_SECONDS
from bot.operations.disk_step_facts import DropEnded
from bot.operations.model import DropProgress, ObservedDisk, ObservedState, Operation, OpState, advance, note
from bot.operations.own_work import all_work
from bot.operations.requests import DiskBroken, DiskOffline, Request

BEGUN = 1_000.0
COUNTS = (LeftCount(1_010.0, 42),)
DISK_7 = DiskOffline(7)
SEEN = ObservedState(disks=(ObservedDisk(7, "http://10.0.0.7:8899", "/d7", "z0"),), drop=DropProgress(COUNTS, total=44))


def begun(request: Request = DISK_7, state: OpState = OpState.VERIFIED, seen: ObservedState = SEEN) -> Operation:
    op = Operation("prod", request, "U0ANNA", 900.0, 1_900.0, seen=seen, id=24)
    op = advance(advance(op, OpState.WAITING, at=900.0), OpState.RUNNING, at=BEGUN)
    return op if state is OpState.RUNNING else advance(op, state, at=BEGUN + 5.0)


def test_own_drop_is_listed_before_the_watch_lists_it() -> None:
    [work] = all_work(ClusterState(disks_at=990.0, dropping_at=990.0), [begun()], 1_019.0)
    assert work == WorkOnDisk(
        Progress(7, DiskStatus.NORMAL, BEGUN, BEGUN, None, 44, COUNTS), drop=True, host="http://10.0.0.7:8899", idc="z0"
    )


def test_own_drop_without_a_count_is_listed_as_not_counted() -> None:
    [work] = all_work(ClusterState(), [begun(seen=ObservedState())], 1_006.0)
    assert (work.progress.counts, work.progress.total, work.host) == ((), None, "")


@pytest.mark.parametrize(
    "op",
    [
        begun(state=OpState.RUNNING),
        begun(state=OpState.FAILED),
        begun(seen=replace(SEEN, drop=DropProgress(COUNTS, 44, over=True))),
        note(begun(), at=1_010.0, fact=DropEnded(7, DiskStatus.DROPPED, 2, 1)),
        replace(begun(), created_at=1_019.0 - FOLLOWED_SECONDS),
        begun(DiskBroken(8), OpState.UNKNOWN),
    ],
    ids=["not begun", "failed", "over", "units left on it", "too old", "unknown outcome"],
)
def test_operation_that_empties_no_disk_is_not_listed(op: Operation) -> None:
    assert all_work(ClusterState(disks_at=990.0), [op], 1_019.0) == ()


def test_disk_that_broke_meanwhile_is_no_drop() -> None:
    state = ClusterState(disks=(DiskNote(7, DiskStatus.BROKEN, "h", "z0"),), disks_at=1_015.0)
    assert all_work(state, [begun()], 1_019.0) == ()


@pytest.mark.parametrize(("at", "newest"), [(1_005.0, 1_010.0), (1_015.0, 1_015.0)])
def test_newest_count_of_a_disk_is_shown(at: float, newest: float) -> None:
    watched = Progress(7, DiskStatus.NORMAL, 1_001.0, 1_001.0, 43, 44, (LeftCount(at, 43),))
    [work] = all_work(ClusterState(drops=(watched,), dropping_at=1_005.0), [begun()], 1_019.0)
    assert (work.progress.counts[-1].at, work.progress.since) == (newest, 1_001.0)


def test_own_broken_disk_waits_until_the_watch_lists_it() -> None:
    op = begun(DiskBroken(7))
    [work] = all_work(ClusterState(disks_at=995.0), [op], 1_019.0)
    assert (work.waits, work.progress.status) == (True, DiskStatus.BROKEN)
    assert all_work(ClusterState(disks_at=1_015.0), [op], 1_019.0) == ()
    assert all_work(ClusterState(), [op], 90_000.0) == ()
