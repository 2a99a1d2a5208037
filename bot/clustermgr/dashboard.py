"""The cluster's own dashboard of volumes and heartbeats, where a release answers it; nothing in it is taken on trust.

Source: CubeFS of 2026 (GET /cluster/dashboard), known in outline and not recorded. So each part is used only where it
has the expected type; a host that answers anything else is not asked again for an hour.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from bot.clustermgr.host_matching import split
from bot.common.frozen import frozen

MAX_COUNT = 1 << 40
"""A greater count of volumes or disks is not believed."""
MAX_HOSTS = 2_000
MAX_DISKS_OF_HOST = 500
_MAX_HOST = 200


@frozen
class VolumeSafety:
    """Volumes by the cluster's own judgement: `degraded`, `at_risk`, and with `data_loss`."""

    degraded: int
    at_risk: int
    data_loss: int


@frozen
class ExpiredDisks:
    """Disks of one host without a heartbeat: their ids as far as named, and their number (None: not said)."""

    disks: frozenset[int] = frozenset()
    number: int | None = None


@frozen
class Dashboard:
    """GET /cluster/dashboard, read at `at` (Unix seconds); `safety` is None if its counts cannot be used.

    `expired` are the hosts with disks without a heartbeat. Once compared with the disk list, `named` are the disks
    that this certainly means, and `possible` all normal disks of these hosts.
    """

    at: float
    safety: VolumeSafety | None = None
    expired: Mapping[str, ExpiredDisks] = field(default_factory=dict)
    named: frozenset[int] = frozenset()
    possible: frozenset[int] = frozenset()

    @property
    def usable(self) -> bool:
        """True if any part can be used."""
        return self.safety is not None or bool(self.expired)


def dashboard_of(volume_safety: Any, service: Any, at: float) -> Dashboard:
    """Keep what has the expected shape of the two parts of an answer."""
    expired = service.get("expired_by_node") if isinstance(service, Mapping) else None
    hosts = dict(_hosts(expired)) if isinstance(expired, Mapping) and len(expired) <= MAX_HOSTS else {}
    return Dashboard(at, _safety(volume_safety), hosts)


def _safety(part: Any) -> VolumeSafety | None:
    if not isinstance(part, Mapping):
        return None
    counts = [_count(part.get(name)) for name in ("degraded_volumes", "at_risk_volumes", "data_loss_volumes")]
    known = [number for number in counts if number is not None]
    return VolumeSafety(*known) if len(known) == len(counts) else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < MAX_COUNT else None


def _hosts(expired: Mapping[Any, Any]) -> Iterator[tuple[str, ExpiredDisks]]:
    """Read each host with a list of disk ids or a number; another value only names the host."""
    for host, value in expired.items():
        if not isinstance(host, str) or not 0 < len(host) <= _MAX_HOST or value in (None, 0, [], {}, ""):
            continue
        if isinstance(value, list) and len(value) <= MAX_DISKS_OF_HOST:
            ids = frozenset(each for each in value if _count(each))
            yield host, ExpiredDisks(ids, len(value))
        else:
            yield host, ExpiredDisks(number=_count(value))


def resolved(dashboard: Dashboard, disks_of: Mapping[str, frozenset[int]]) -> Dashboard:
    """Find the disks that the dashboard means among the normal disks of each host (by address).

    A number names disks only if it is that of all normal disks of the host. A host without a port means every port.
    """
    places = {host: split(host) for host in disks_of} if dashboard.expired else {}
    named: set[int] = set()
    possible: set[int] = set()
    for host, expired in dashboard.expired.items():
        name, port = split(host)
        meant = [disks_of[known] for known, place in places.items() if place[0] == name and port in {"", place[1]}]
        own = frozenset().union(*meant)
        possible |= own
        whole = expired.number is not None and expired.number >= len(own)
        named |= expired.disks & own if expired.disks else own if whole else frozenset()
    return replace(dashboard, named=frozenset(named), possible=frozenset(possible))
