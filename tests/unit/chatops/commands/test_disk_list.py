"""/cm disks: states, flags and disks without a heartbeat; /cm balance: use and switch."""

# ruff: noqa: ARG002 - a stand-in takes every argument that its port takes

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.clustermgr.models import Disk, RaftStatus, SpaceStat, Stat, ZoneDisks
from bot.clustermgr.volume_models import PlacedUnit, Volume
from bot.common.errors import ClusterTimeout, ClusterUnreachable
from tests.support.in_memory_ports import FakeApi, FakeCluster, typed
from tests.support.view_samples import HOSTS, disk, seen


def _disk_of(line: str) -> str:
    """Return the number of the disk in a row: the cell behind the state, which may be a number too (`state 6`)."""
    return next(word for word in line.replace("state ", "state-").split() if word.isdecimal())


@dataclass
class Api(FakeApi):
    """An API with a list of dropping disks, a leader that counts expired disks, volumes and a stored switch."""

    dropping: tuple[Disk, ...] | None = ()
    expired: int | None = 0
    held: tuple[Volume, ...] = ()
    switches: Mapping[str, str] = field(default_factory=dict)

    async def disk_dropping(self, *, first: str | None = None, at: str | None = None) -> tuple[Disk, ...]:
        if self.dropping is None:
            raise ClusterTimeout(f"{first} is slow.")
        return self.dropping

    async def stat(self, host: str) -> Stat:
        if self.expired is None or host != HOSTS[1]:
            raise ClusterUnreachable(f"{host} refuses connections.", host=host)
        zones = (ZoneDisks(idc="z0", expired=self.expired),)
        return Stat(raft_status=RaftStatus(node_id=2, leader=2), space_stat=SpaceStat(disk_stat_infos=zones))

    async def volumes(
        self, *, after: int = 0, count: int = 100, first: str | None = None, at: str | None = None
    ) -> tuple[Volume, ...]:
        return tuple(volume for volume in self.held if volume.vid > after)[:count]

    async def config_get(self, key: str, *, host: str | None = None) -> str | None:
        return self.switches.get(key)


def normal(*numbers: int, **more: Any) -> tuple[Disk, ...]:
    return tuple(disk(number, status=1, **more) for number in numbers)


def volume(vid: int, health: int, *disks: int) -> Volume:
    units = tuple(PlacedUnit(vuid=vid << 32 | index << 24 | 1, disk_id=each) for index, each in enumerate(disks))
    return Volume(vid=vid, code_mode=11, health_score=health, units=units)


async def answer(text: str, api: Api) -> str:
    [reply] = await typed(text, FakeCluster(api=api))
    return seen(reply.message)


async def test_disks_are_listed_what_is_not_normal_first() -> None:
    text = await answer("disks", Api((*normal(1, 2, 10), disk(12), disk(9)), dropping=normal(10)))
    assert "prod has 5 disks: 2 normal, 2 broken, 1 dropping." in text
    rows = [_disk_of(line) for line in text.splitlines() if "http://" in line]
    assert rows == ["9", "12", "10", "1", "2"]


@pytest.mark.parametrize(
    ("status", "shown"),
    [("dropping", ["2"]), ("readonly", ["2", "3"]), ("normal", ["1"]), ("unknown", ["5"]), ("broken", ["4"])],
)
async def test_disks_are_filtered_by_state(status: str, shown: list[str]) -> None:
    disks = (*normal(1), *normal(2, 3, readonly=True), disk(4), disk(5, status=6))
    text = await answer(f"disks status={status}", Api(disks, dropping=disks[1:2]))
    assert [_disk_of(line) for line in text.splitlines() if "http://" in line] == shown
    assert "All 5 disks: 1 normal, 1 read-only, 1 broken, 1 dropping, 1 in a state unknown to cmbot." in text


async def test_disks_are_sorted_by_use() -> None:
    disks = (disk(1, status=1, used=1), disk(2, status=1, used=1 << 39))
    text = await answer("disks sort=used", Api(disks))
    assert text.index("/data2") < text.index("/data1")


async def test_expired_disks_are_inferred_from_all_volumes() -> None:
    held = (volume(1, -1, 1, 2, 3), volume(2, -1, 1, 4, 5), volume(3, 0, 2, 3, 4), volume(4, 0, 5, 2, 3))
    text = await answer("disks status=expired", Api(normal(1, 2, 3, 4, 5), expired=1, held=held))
    assert "✓ normal, no heartbeat (inferred)" in text
    assert "/data1" in text
    assert "/data2" not in text
    assert "inferred from the health of their volumes" in text
    assert "could be read in time" not in text


@pytest.mark.parametrize("expired", [0, None])
async def test_no_disk_is_inferred_while_the_leader_counts_none(expired: int | None) -> None:
    text = await answer("disks status=expired", Api(normal(1, 2), expired=expired, held=(volume(1, -1, 1, 2),)))
    unknown = "It is not known if a disk of prod has lost the heartbeat: no leader answered in time."
    assert (unknown if expired is None else "prod has no disk with `status=expired`.") in text
    assert ("it is not known if disks have lost their heartbeat" in text) is (expired is None)


async def test_expired_disks_that_no_volume_shows_cannot_be_named() -> None:
    text = await answer("disks status=expired", Api(normal(1, 2), expired=2))
    assert "By the leader's counters 2 disks have lost the heartbeat; no call names them." in text
    assert "No disk of prod can be named for `status=expired`: 2 disks have lost the heartbeat, but no call" in text
    assert "`/cm risk`" in text
    assert "prod has no disk" not in text


async def test_list_of_dropping_disks_that_fails_is_said() -> None:
    assert "The list of disks being dropped could not be read" in await answer("disks", Api(normal(1), dropping=None))


def placed(number: int, free: int, **more: Any) -> Disk:
    return disk(number, status=1, max_chunk_cnt=2000, free_chunk_cnt=free, **more)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ({"balance": "true"}, "`balance` is on."),
        ({"balance": "false"}, "`balance` is *off*: no chunk is moved off full disks."),
        ({"balance": "Enable"}, "`balance` is *not on* (stored as `Enable`)"),
        ({}, "`balance` is *not on* (unset)"),
    ],
)
async def test_balance_names_full_disks_and_the_switch(stored: Mapping[str, str], text: str) -> None:
    shown = await answer("balance", Api((placed(1, 10), placed(2, 1500), placed(3, 1400)), switches=stored))
    assert "prod is out of balance: 1 disk is much fuller than the others of its zone." in shown
    assert "disk #1 on `http://10.0.0.7:8899`: 99.5 % of its chunks used, 10 free" in shown
    assert "or more: now 1 disk." in shown
    assert text in shown


async def test_balance_of_one_kind_shows_only_that() -> None:
    shown = await answer("balance by=disk", Api(tuple(placed(number, 1000) for number in range(1, 41))))
    assert "zone z0" not in shown
    assert shown.count("disk #") == 20
    assert "… and 20 more" in shown


async def test_balance_counts_no_room_on_disks_that_take_no_chunks() -> None:
    disks = (placed(1, 1000), placed(2, 1000, readonly=True), disk(3), disk(4, status=8))
    shown = await answer("balance", Api(disks))
    # What a phone shows comes first: the share, then the place.
    assert "50 % zone z0 1,000 of 2,000 z0 1 of 4" in " ".join(shown.split())
    assert "No room: 1 broken, 1 read-only and 1 in a state unknown to cmbot." in shown


async def test_balance_of_an_empty_cluster_is_an_answer() -> None:
    assert "prod has no disk." in await answer("balance", Api())


async def test_balance_says_that_its_disks_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chatops.commands.deadline.READ_SECONDS", 0.01)
    with pytest.raises(ClusterTimeout, match="prod did not tell its disks within"):
        await typed("balance", FakeCluster(api=Api(hanging=True)))
