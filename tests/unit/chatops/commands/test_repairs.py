"""/cm repairs: the drops that cmbot began a moment ago, and a database that does not answer."""

from collections.abc import Sequence

from bot.alerting.cluster_state.state import ClusterNote, ClusterState
from bot.alerting.progress import LeftCount
from bot.common.errors import StoreError
from bot.operations.model import DropProgress, ObservedState, Operation, OpState, advance
from bot.operations.requests import DiskOffline
from tests.support.in_memory_ports import FakeCluster, FakeDesk, typed
from tests.support.view_samples import AT, seen

KNOWN = {"prod": ClusterNote(state=ClusterState(disks_at=AT - 15, dropping_at=AT - 55))}
"""The watch has listed no disk, before the drop began."""


class _Mute(FakeDesk):
    async def of_disks(self, cluster: str) -> Sequence[Operation]:
        raise StoreError(f"no answer about {cluster}")


async def test_drop_that_has_just_begun_is_listed_with_the_time_of_its_count() -> None:
    drop = DropProgress((LeftCount(AT - 9, 42),), total=42)
    op = Operation("prod", DiskOffline(7), "U0ANNA", AT - 60, AT + 900, seen=ObservedState(drop=drop), id=24)
    for state in (OpState.WAITING, OpState.RUNNING, OpState.VERIFIED):
        op = advance(op, state, at=AT - 19)
    [reply] = await typed("repairs", FakeCluster(), proposals=FakeDesk(known=[op]), remembered=KNOWN, now=AT)
    text = seen(reply.message)
    assert "prod: 1 disk being emptied" in text
    assert "#7" in text
    assert "42 of 42" in text
    assert "2023-11-14 22:13:11 UTC" in text


async def test_drops_of_the_watch_are_listed_while_the_database_is_silent() -> None:
    [reply] = await typed("repairs", FakeCluster(), proposals=_Mute(), remembered=KNOWN, now=AT)
    assert "No disk of prod is being repaired or emptied" in reply.message.text
    assert "The database does not answer" in seen(reply.message)
