"""Facts that the gauges of one cluster are read from, and the bounds of labels that a cluster names. No I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.model import Alert
from bot.alerting.quorum import proven_health
from bot.alerting.text import one_line
from bot.clustermgr.health import VoterHealth
from bot.clustermgr.models import Snapshot, Stat, ZoneDisks
from bot.common.frozen import frozen
from bot.telemetry.families import Sample

MAX_ZONES = 50
"""Zones with series of their own; the others are one zone."""
MAX_PEERS = 100
OTHER = "other"
"""The label of what is beyond the bounds."""
_MAX_ZONE = 60


@frozen
class WatchFacts:
    """What is exported of every configured cluster.

    `interval` are the seconds between its polls in the settings. `here` is True if this replica polls it. `age` is that
    of the last poll in seconds, None without one. `current` is True if the poll is not too old. `answered` is True if a
    host answered it.
    """

    interval: float
    here: bool = False
    age: float | None = None
    current: bool = False
    answered: bool = False


@dataclass(frozen=True)
class GaugeFacts:
    """What is exported of a cluster whose last poll is current.

    `level` is its status as a word, `snapshot` the last poll, `previous` the one before it, `state` what is kept of
    the cluster, `alerts` those after the last poll. `fresh`: the leader has not counted disks and space yet since its
    election. `now` is the time of the scrape by the clock of the process.
    """

    level: str
    snapshot: Snapshot
    previous: Snapshot | None
    state: ClusterState
    alerts: Sequence[Alert]
    fresh: bool
    now: float

    @property
    def leader(self) -> Stat | None:
        """The answer of the leader, None without one."""
        return self.snapshot.leader[1] if self.snapshot.leader else None

    @cached_property
    def health(self) -> Mapping[int, VoterHealth]:
        """The health of each voter by the last two polls."""
        return proven_health(self.snapshot, self.previous)

    @cached_property
    def zones(self) -> tuple[tuple[str, tuple[ZoneDisks, ...]], ...]:
        """The counters of each zone as the leader sent them, by the label of the zone."""
        listed = self.leader.space_stat.disk_stat_infos if self.leader else ()
        found: dict[str, tuple[ZoneDisks, ...]] = {}
        for zone in listed:
            label = zone_label(zone.idc, found)
            found[label] = (*found.get(label, ()), zone)
        return tuple(found.items())

    @property
    def counted(self) -> tuple[tuple[str, tuple[ZoneDisks, ...]], ...]:
        """The same, none while the leader has not counted itself: a follower hears no heartbeats."""
        return () if self.fresh else self.zones


def zone_label(idc: str, known: Mapping[str, object]) -> str:
    """The label of a zone: its name on one line, as long as there are not too many."""
    label = one_line(idc, _MAX_ZONE)
    return label if label in known or len(known) < MAX_ZONES else OTHER


def one(value: float | None) -> Iterator[Sample]:
    """The only series of a metric, none if its value is not known."""
    if value is not None:
        yield (), float(value)


def by_label(values: Mapping[str, float] | Iterable[tuple[str, float]]) -> list[Sample]:
    """The series of a metric with one label."""
    pairs = values.items() if isinstance(values, Mapping) else values
    return [((label,), float(value)) for label, value in pairs]
