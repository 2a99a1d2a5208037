"""The initial state of the demo: three zones of two hosts with four disks each, and volumes over all of them."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.playground.clustermgr_sim.data import Data, Service
from bot.playground.clustermgr_sim.disks import Disk
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.volumes import (
    ACTIVE,
    CHUNK,
    CODE_MODES,
    EC3P3,
    EC6P6,
    IDLE,
    LOCKED,
    Volume,
    make_units,
)

ZONES = ("z0", "z1", "z2")
DISKS_PER_HOST = 4
HOSTS_PER_ZONE = 2
_SIZE = 12_000_138_625_024
_IN_EACH_ZONE, _OVER_ALL_ZONES = 40, 24
"""EC3P3 volumes of each zone, and EC6P6 volumes over all of them: 42 units on each disk."""
_LOCKED_VID = 2
_IDLE_OF_NINE = frozenset({0, 1})
_VOLUME_SEED = 11
_FILL = 0.6
_SPREAD = 0.04
_V1_SWITCHES = ("disk_repair", "balance", "disk_drop", "blob_delete", "shard_repair", "vol_inspect")
_LATER_SWITCHES = ("disk_repair", "balance", "disk_drop", "blob_delete", "shard_repair", "volume_inspect")


def host_name(zone: int, host: int) -> str:
    """The service address of a blobnode of the demo."""
    return f"http://10.{zone + 1}.0.{host + 11}:8899"


def switches(flavour: Flavour) -> dict[str, str]:
    """Every background task on, in the dialect of the release."""
    if flavour.name == "v1":
        return dict.fromkeys(_V1_SWITCHES, "Enable")
    extra = ("data_inspect", "shard_disk_repair") if flavour.has_shard_nodes else ("data_inspect",)
    return dict.fromkeys((*_LATER_SWITCHES, *extra), "true")


IDLE_SCHEDULER = Service("SCHEDULER", "http://10.1.0.9:9800")
"""A scheduler that is registered and does no work."""


def demo_data(
    flavour: Flavour,
    *,
    now: float,
    rng: random.Random,
    hosts: Sequence[str] = (),
    paths: Sequence[str] = (),
) -> Data:
    """The state of the demo; `hosts` and `paths` replace host names and disk paths in turn."""
    created = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
    data = Data(kv=switches(flavour), file_config=dict(flavour.file_config))
    for zone, idc in enumerate(ZONES):
        for host in range(HOSTS_PER_ZONE):
            name = host_name(zone, host)
            data.services.append(Service("BLOBNODE", name, idc))
            for slot in range(DISKS_PER_HOST):
                _add_disk(data, idc, name, slot, created, rng)
    for index, disk in enumerate(data.disks.values()):
        disk.host = hosts[index % len(hosts)] if hosts else disk.host
        disk.path = paths[index % len(paths)] if paths else disk.path
    add_volumes(data, in_each_zone=_IN_EACH_ZONE, over_all_zones=_OVER_ALL_ZONES)
    return data


def _add_disk(data: Data, idc: str, host: str, slot: int, created: str, rng: random.Random) -> None:
    number = len(data.disks) + 1
    disk = Disk(number, host, f"/data/disk{slot + 1}", idc, f"{idc}-r{1 + slot % 2}", created=created)
    disk.size, disk.max_chunks = _SIZE, _SIZE // CHUNK
    disk.node_id = 1 + (number - 1) // DISKS_PER_HOST
    disk.fill(rng.uniform(_FILL - _SPREAD, _FILL + _SPREAD))
    data.disks[number] = disk


def add_volumes(data: Data, *, in_each_zone: int, over_all_zones: int) -> None:
    """Add EC3P3 volumes to each zone, and EC6P6 volumes over all zones.

    Each unit goes to one of the disks with the fewest units, so that all disks of a zone get about the same number.
    """
    rng = random.Random(_VOLUME_SEED)  # noqa: S311 (places of a simulation)
    zones: dict[str, list[int]] = {}
    for disk in data.disks.values():
        zones.setdefault(disk.idc, []).append(disk.disk_id)
    placed = [(EC3P3, [zone]) for _ in range(in_each_zone) for zone in zones] + [(EC6P6, [*zones])] * over_all_zones
    for vid, (code_mode, names) in enumerate(placed, start=1):
        each = CODE_MODES[code_mode].units // len(names)
        units = make_units(vid, [disk for name in names for disk in _emptiest(data, zones[name], each, rng)])
        status = LOCKED if vid == _LOCKED_VID else IDLE if vid % 9 in _IDLE_OF_NINE else ACTIVE
        for unit in units:
            data.disks[unit.disk_id].used_chunks += 1
        volume = Volume(vid, code_mode, status, units)
        data.volumes.put(replace(volume, used=0 if status == IDLE else int(volume.total * _FILL)))
    data.volumes.can_alloc = data.volumes.counters()["idle_volume"]


def _emptiest(data: Data, disks: list[int], number: int, rng: random.Random) -> list[int]:
    """The disks with the fewest units; chance decides between equals."""
    return heapq.nsmallest(number, disks, key=lambda disk_id: (data.volumes.count_on(disk_id), rng.random()))
