"""Spread of chunks: outliers by zone, rack, host and disk; only disks that take new chunks are room."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.chunk_spread import MARGIN, NEARLY_FULL, SPREAD, Level, chunk_spread
from bot.clustermgr.disk_states import DiskListing
from bot.clustermgr.models import Disk


def disk(number: int, free: int, *, zone: str = "z0", chunks: int = 2000, **more: Any) -> Disk:
    facts = {"status": 1, "host": f"h{number}", "rack": "r1", "used": 1, "size": 4, **more}
    return Disk(disk_id=number, idc=zone, free_chunk_cnt=free, max_chunk_cnt=chunks, **facts)


def spread(*disks: Disk, dropping: frozenset[int] = frozenset()) -> Any:
    return chunk_spread(DiskListing(disks, dropping=dropping))


def outlying(*disks: Disk) -> list[tuple[int, bool]]:
    found = spread(*disks).outliers
    return [(each.use.disk_id, each.fuller) for each in found if each.use.level is Level.DISK]


def test_nearly_full_disk_beside_emptier_ones_is_named_first() -> None:
    assert outlying(disk(1, 900), disk(2, 100), disk(3, 1100), disk(4, 1900)) == [(2, True), (4, False)]


def test_disks_of_like_use_are_no_outliers() -> None:
    found = spread(disk(1, 900), disk(2, 1100), disk(3, 1000))
    assert list(found.outliers) == []
    assert found.all.share == pytest.approx(0.5)


def test_nearly_full_disks_stand_out_even_near_the_average() -> None:
    full = [disk(number, 100) for number in range(1, 9)]
    assert outlying(*full, disk(9, 1200)) == [*((number, True) for number in range(1, 9)), (9, False)]


def test_disks_of_different_zones_are_not_compared_and_the_zones_are() -> None:
    found = spread(disk(1, 100, zone="a"), disk(2, 1900, zone="b"))
    assert [(each.use.level, each.use.name) for each in found.outliers] == [(Level.ZONE, "a"), (Level.ZONE, "b")]


def test_hosts_of_one_name_in_two_zones_are_two_places() -> None:
    found = spread(disk(1, 100, zone="a", host="h"), disk(2, 200, zone="b", host="h"))
    assert [(use.zone, use.disks) for use in found.uses[Level.HOST]] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize(
    "odd",
    [
        disk(2, 1500, status=2),
        disk(2, 1500, status=3),
        disk(2, 1500, readonly=True),
        disk(7, 1500),
        disk(2, 1500, status=6),
    ],
)
def test_disk_that_takes_no_chunks_is_no_room(odd: Disk) -> None:
    found = spread(disk(1, 500), odd, dropping=frozenset({7}))
    assert (found.all.disks, found.all.room, found.all.free, found.all.chunks) == (2, 1, 500, 2000)


def test_gone_disks_are_left_out() -> None:
    assert spread(disk(1, 500), disk(2, 900, status=4), disk(3, 900, status=5)).all.disks == 1


def test_disk_without_a_number_of_chunks_is_named() -> None:
    found = spread(disk(1, 500), disk(2, 0, chunks=0), disk(3, 0, chunks=-1))
    assert found.uncounted == (2, 3)
    assert found.all.chunks == 2000


@pytest.mark.parametrize(("free", "room", "moved"), [(19, 1024, 1), (20, 1024, 0), (19, 1023, 0)])
def test_disks_to_move_follow_the_defaults_of_the_scheduler(free: int, room: int, moved: int) -> None:
    assert spread(disk(1, free), disk(2, room)).to_move == moved


disks = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 100),
        st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 100),
        st.integers(0, 6),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=20,
)


@given(disks)
def test_sums_agree_on_every_level_and_shares_are_bounded(rows: list[tuple[Any, ...]]) -> None:
    found = spread(
        *(
            disk(number, free, zone=zone, chunks=chunks, status=status, readonly=readonly, host=f"h{host}", rack="r")
            for number, (zone, free, chunks, status, readonly, host) in enumerate(rows)
        )
    )
    for uses in found.uses.values():
        assert sum(use.free for use in uses) == found.all.free
        assert sum(use.chunks for use in uses) == found.all.chunks
        assert sum(use.disks for use in uses) == found.all.disks
        for use in uses:
            assert 0 <= use.free <= use.chunks
            assert 0 <= use.room <= use.disks
            assert use.share is None or 0 <= use.share <= 1


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12))
def test_zone_with_a_nearly_full_and_an_empty_disk_has_outliers(free: list[int]) -> None:
    shares = [1 - each / 1000 for each in free]
    found = outlying(*(disk(number, each, chunks=1000) for number, each in enumerate(free, start=1)))
    usual = sum(shares) / len(shares)
    assert {number for number, _ in found} >= {
        number
        for number, share in enumerate(shares, start=1)
        if abs(share - usual) > MARGIN + 1e-9 or (share >= NEARLY_FULL and share - min(shares) > SPREAD + 1e-9)
    }
    if max(shares) - min(shares) < MARGIN - 1e-9:
        assert found == []
