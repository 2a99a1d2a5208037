"""States of disks: one for each disk, the least normal first, and an unknown one is never room."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clustermgr.disk_states import DiskListing, DiskState, DiskTally, SortBy
from bot.clustermgr.models import Disk
from bot.clustermgr.slow_poll import count_zones


def disk(number: int, status: int = 1, **more: Any) -> Disk:
    return Disk(disk_id=number, status=status, **more)


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (disk(1), DiskState.NORMAL),
        (disk(1, readonly=True), DiskState.READONLY),
        (disk(2, readonly=True), DiskState.DROPPING),
        (disk(3), DiskState.EXPIRED),
        (disk(2, status=2), DiskState.BROKEN),
        (disk(1, status=3), DiskState.REPAIRING),
        (disk(1, status=4), DiskState.REPAIRED),
        (disk(1, status=5), DiskState.DROPPED),
        (disk(1, status=6), DiskState.UNKNOWN),
        (disk(1, status=0), DiskState.UNKNOWN),
    ],
)
def test_state_of_a_disk_follows_status_then_flags(one: Disk, state: DiskState) -> None:
    listing = DiskListing((one,), dropping=frozenset({2}), inferred=frozenset({3}))
    assert listing.state_of(one) is state
    assert listing.is_room(one) is (state is DiskState.NORMAL)
    assert listing.counts()[state] == 1


def test_disks_are_ordered_by_state_then_number() -> None:
    disks = (disk(10), disk(2), disk(1, status=5), disk(12, status=2), disk(9, status=2), disk(3, status=77))
    listing = DiskListing(disks)
    assert [each.disk_id for each in listing.ordered(disks)] == [3, 9, 12, 1, 2, 10]


@pytest.mark.parametrize(
    ("by", "order"),
    [(SortBy.ID, [2, 3, 10]), (SortBy.USED, [10, 2, 3]), (SortBy.FREE, [3, 2, 10]), (SortBy.HOST, [3, 2, 10])],
)
def test_disks_are_sorted_as_asked(by: SortBy, order: list[int]) -> None:
    disks = (
        disk(10, used=9, size=10, free_chunk_cnt=1, host="b"),
        disk(2, used=9, size=20, free_chunk_cnt=5, host="b"),
        disk(3, used=9, free_chunk_cnt=7, host="a"),
    )
    assert [each.disk_id for each in DiskListing(disks).ordered(disks, by)] == order


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(-5, 9)), max_size=12), st.sets(st.integers(0, 5))
)
def test_chunks_of_zones_count_only_disks_that_are_room(rows: list[tuple[int, bool, int]], dropping: set[int]) -> None:
    disks = tuple(
        disk(number, status, readonly=readonly, free_chunk_cnt=free, max_chunk_cnt=9, idc="z")
        for number, (status, readonly, free) in enumerate(rows)
    )
    listing = DiskListing(disks, dropping=frozenset(dropping))
    room = [each for each in disks if listing.is_room(each)]
    counted = count_zones(disks, dropping)
    assert sum(zone.free for zone in counted) == sum(max(0, each.free_chunk_cnt) for each in room)
    assert sum(listing.counts().values()) == len(disks)
    assert bool(counted) is any(each.status not in {4, 5} for each in disks)


def test_tally_of_pages_is_that_of_the_whole_list() -> None:
    disks = tuple(Disk(disk_id=number, status=2 if number % 5 == 0 else 1) for number in range(30, 0, -1))
    whole = DiskListing(disks, dropping=frozenset({7}))
    tally = DiskTally(DiskListing((), whole.dropping), lambda _, disk: disk.status == 2, limit=4)
    for start in range(0, 30, 7):
        tally.take(disks[start : start + 7])
    wanted = [disk for disk in disks if disk.status == 2]
    assert (tuple(tally.first), tally.matching) == (whole.ordered(wanted)[:4], 6)
    assert replace(whole, disks=(), tally=tally.counts).counts() == whole.counts()
