"""What raft replicates here: switches, disks, volumes' counters, services; and the rules for keys."""

from dataclasses import dataclass, field
from typing import Any

from bot.playground.clustermgr_sim.answer import ILLEGAL, ApiError
from bot.playground.clustermgr_sim.disks import Disk
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
    """The replicated state; `kv` holds what was set, `file_config` what each node's own file says beside it."""

    kv: dict[str, str] = field(default_factory=dict)
    file_config: dict[str, str] = field(default_factory=dict)
    disks: dict[int, Disk] = field(default_factory=dict)
    volumes: Volumes = field(default_factory=Volumes)
    services: list[Service] = field(default_factory=list)
    read_only: bool = False

    def disk(self, disk_id: int) -> Disk:
        """Raises ApiError (911) for an unknown id."""
        try:
            return self.disks[disk_id]
        except KeyError:
            raise ApiError(911, "disk not found") from None

    def read_key(self, key: str, flavour: Flavour) -> str:
        """The value of a switch, or what the file says; raises ApiError (404)."""
        stored = self.kv.get(key)
        if stored or (stored is not None and not flavour.empty_value_is_unset):
            return stored
        if key in self.file_config:
            return self.file_config[key]
        raise ApiError(404, "Not Found")

    def every_key(self) -> dict[str, str]:
        """All keys sorted, what was set above what the file says."""
        return dict(sorted({**self.file_config, **self.kv}.items()))


def check_set(key: str, flavour: Flavour) -> None:
    """Raises ApiError (400) for a key that belongs to the system."""
    if key in flavour.system_keys and key not in _SETTABLE_SYSTEM_KEYS:
        raise ApiError(*ILLEGAL)


def check_delete(key: str, flavour: Flavour) -> None:
    """Raises ApiError (933) for a key that belongs to the system, where the release minds."""
    if key in flavour.system_keys and not flavour.system_key_deletable:
        raise ApiError(933, "reject delete system config")
