"""/cm disk: a disk that claims to be empty is shown with the units that are left on it; /cm disks finds none."""

from collections.abc import Sequence

import pytest

from bot.clustermgr.models import Disk, DiskStatus
from bot.common.errors import ClusterTimeout, NoLeader, StoreError, UserError
from bot.operations.model import Operation, OpState
from bot.operations.requests import DiskBroken, DiskOffline
from tests.support.in_memory_ports import FakeApi, FakeCluster, FakeDesk, typed
from tests.support.view_samples import HOSTS


class Silent(FakeApi):
    """An API that does not answer about units."""

    async def disk_units(self, disk_id: int, *, first: str | None = None, at: str | None = None) -> tuple[int, ...]:
        """Give no answer."""
        raise ClusterTimeout(f"10.0.0.1:9998 gave no answer about disk {disk_id} in time ({first or at}).")


REPAIRED = Disk(disk_id=7, status=DiskStatus.REPAIRED, idc="z0", host="http://10.0.0.9:8899", path="/data/7")


@pytest.mark.parametrize(
    ("api", "text"),
    [
        (
            FakeApi((REPAIRED,), units=(5 << 32, 6 << 32), leader=HOSTS[0]),
            "*Do not pull: 2 units of 2 volumes are still on it* (#5, #6)",
        ),
        (
            FakeApi((REPAIRED,), units=(5 << 32,), leader=HOSTS[0]),
            "*Do not pull: 1 unit of 1 volume is still on it* (#5)",
        ),
        (Silent((REPAIRED,), leader=HOSTS[0]), "*Do not pull*: its units could not be counted."),
        (FakeApi((REPAIRED,)), "*Do not pull*: its units could not be counted, because no leader answers."),
    ],
)
async def test_repaired_disk_is_shown_with_its_units(api: FakeApi, text: str) -> None:
    [reply] = await typed("disk 7", FakeCluster(api=api))
    assert text in str(reply.message.blocks)


async def test_unknown_disk_is_never_called_empty() -> None:
    """A server answers 200 and an empty list for a disk that it does not know."""
    with pytest.raises(UserError, match="prod has no disk 8"):
        await typed("disk 8", FakeCluster(api=FakeApi((REPAIRED,), units=(), leader=HOSTS[0])))


async def test_disk_that_another_host_does_not_know_is_not_called_unknown() -> None:
    with pytest.raises(NoLeader, match="No leader answers"):
        await typed("disk 8", FakeCluster(api=FakeApi((REPAIRED,))))


async def test_normal_disk_is_asked_for_its_units_too() -> None:
    used = Disk(disk_id=7, status=DiskStatus.NORMAL)
    [reply] = await typed("disk 7", FakeCluster(api=FakeApi((used,), units=(5 << 32,), leader=HOSTS[0])))
    assert "Do not pull: 1 unit of 1 volume is still on it" in reply.message.text


@pytest.mark.parametrize("text", ["disks", "disks idc=z9", "disks host=10.0.0.8:8899"])
async def test_no_disk_found_is_an_answer(text: str) -> None:
    [reply] = await typed(text, FakeCluster(api=FakeApi()))
    assert "no disk" in reply.message.text.lower()


class Dropping(FakeApi):
    """An API whose disks are all being dropped; `unread` if that list does not answer."""

    unread = False

    async def disk_dropping(self, *, first: str | None = None, at: str | None = None) -> tuple[Disk, ...]:
        """List all disks."""
        if self.unread:
            raise ClusterTimeout(f"no answer in time ({first or at}).")
        return tuple(self.disks)


@pytest.mark.parametrize(
    ("unread", "text"),
    [(False, "✓ normal, *being dropped*"), (True, "this disk may be one of them")],
)
async def test_disk_that_may_be_dropped_is_said_to_be(unread: bool, text: str) -> None:
    api = Dropping((Disk(disk_id=7, status=DiskStatus.NORMAL, readonly=True),), units=(5 << 32,), leader=HOSTS[0])
    api.unread = unread
    [reply] = await typed("disk 7", FakeCluster(api=api))
    assert text in str(reply.message.blocks)


def _op(request: DiskOffline | DiskBroken, state: OpState, number: int) -> Operation:
    return Operation("prod", request, "U0ANNA", 0.0, 900.0, state=state, id=number)


@pytest.mark.parametrize(
    ("status", "dropping", "known", "text"),
    [
        (1, True, [_op(DiskOffline(7), OpState.VERIFIED, 24)], "✓ normal, *being dropped* by operation #24'"),
        (5, False, [_op(DiskOffline(7), OpState.VERIFIED, 24)], "dropped by operation #24'"),
        (2, False, [_op(DiskBroken(7), OpState.VERIFIED, 9)], "waits for repair; declared broken by operation #9'"),
        (1, False, [_op(DiskOffline(7), OpState.VERIFIED, 24)], "✓ normal'"),
        (1, True, [_op(DiskOffline(8), OpState.VERIFIED, 24)], "*being dropped*'"),
        (1, False, [_op(DiskOffline(7), OpState.UNKNOWN, 24)], "; operation #24, which takes it offline, is unknown'"),
    ],
)
async def test_disk_names_the_operation_behind_its_state(
    status: int, *, dropping: bool, known: list[Operation], text: str
) -> None:
    api = (Dropping if dropping else FakeApi)((Disk(disk_id=7, status=status),), leader=HOSTS[0])
    [reply] = await typed("disk 7", FakeCluster(api=api), proposals=FakeDesk(known=known))
    assert text in str(reply.message.blocks)


class _Silent(FakeDesk):
    async def of_disks(self, cluster: str) -> Sequence[Operation]:
        raise StoreError(f"no answer about {cluster}")


async def test_disk_is_shown_while_the_database_is_silent() -> None:
    api = Dropping((Disk(disk_id=7, status=1),), leader=HOSTS[0])
    [reply] = await typed("disk 7", FakeCluster(api=api), proposals=_Silent())
    assert "*being dropped*'" in str(reply.message.blocks)
