"""Replicated state: switches, disks, volume counters, services; and the initial state of the demo."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.playground.clustermgr_sim.answer import ILLEGAL, ApiError
from bot.playground.clustermgr_sim.disks import CHUNK, Disk
from bot.playground.clustermgr_sim.flavour import Flavour

_SETTABLE_SYSTEM_KEYS = frozenset({"volume_reserve_size", "volume_chunk_size"})


@dataclass(slots=True)
class Volumes:
    """Volumes by state."""

    total_volume: int = 0
    idle_volume: int = 0
    can_alloc_volume: int = 0
    active_volume: int = 0
    lock_volume: int = 0
    unlocking_volume: int = 0


@dataclass(slots=True)
class Service:
    """A registered service."""

    name: str
    host: str
    idc: str = "z0"

    def to_wire(self) -> dict[str, Any]:
        """The row of /service/list."""
        return {"cluster_id": 1, "name": self.name, "host": self.host, "idc": self.idc}


@dataclass(slots=True)
class Data:
    """The replicated state; `kv` has the stored keys, `file_config` the keys from each node's file."""

    kv: dict[str, str] = field(default_factory=dict)
    file_config: dict[str, str] = field(default_factory=dict)
    disks: dict[int, Disk] = field(default_factory=dict)
    volumes: Volumes = field(default_factory=Volumes)
    services: list[Service] = field(default_factory=list)
    read_only: bool = False

    def disk(self, disk_id: int) -> Disk:
        """Return the disk; raises ApiError (911) for an unknown id."""
        try:
            return self.disks[disk_id]
        except KeyError:
            raise ApiError(911, "disk not found") from None

    def read_key(self, key: str, flavour: Flavour) -> str:
        """The stored value of a key, else the one from the file; raises ApiError (404)."""
        stored = self.kv.get(key)
        if stored or (stored is not None and not flavour.empty_value_is_unset):
            return stored
        if key in self.file_config:
            return self.file_config[key]
        raise ApiError(404, "Not Found")

    def every_key(self) -> dict[str, str]:
        """All keys, sorted; stored values replace those from the file."""
        return dict(sorted({**self.file_config, **self.kv}.items()))


def check_set(key: str, flavour: Flavour) -> None:
    """Raise ApiError (400) for a system key."""
    if key in flavour.system_keys and key not in _SETTABLE_SYSTEM_KEYS:
        raise ApiError(*ILLEGAL)


def check_delete(key: str, flavour: Flavour) -> None:
    """Raise ApiError (933) for a system key, if the release protects it."""
    if key in flavour.system_keys and not flavour.system_key_deletable:
        raise ApiError(933, "reject delete system config")


ZONES = ("z0", "z1", "z2")
DISKS_PER_HOST = 4
HOSTS_PER_ZONE = 2
_SIZE = 12_000_138_625_024
_FILL = 0.6
_SPREAD = 0.04
UNITS = 42
"""Volume chunks on each disk."""
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
    data.volumes = Volumes(total_volume=1840, idle_volume=412, can_alloc_volume=396, active_volume=1421, lock_volume=7)
    return data


def _add_disk(data: Data, idc: str, host: str, slot: int, created: str, rng: random.Random) -> None:
    number = len(data.disks) + 1
    disk = Disk(number, host, f"/data/disk{slot + 1}", idc, f"{idc}-r{1 + slot % 2}", created=created)
    disk.size, disk.max_chunks = _SIZE, _SIZE // CHUNK
    disk.node_id = 1 + (number - 1) // DISKS_PER_HOST
    disk.fill(rng.uniform(_FILL - _SPREAD, _FILL + _SPREAD))
    disk.used_chunks = disk.max_chunks - disk.free_chunks
    disk.units = UNITS
    data.disks[number] = disk
