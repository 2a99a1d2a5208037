"""One configured cluster as commands, operations and the watch use it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bot.cluster.client import ClusterApi
from bot.cluster.dialect import detect_dialect
from bot.cluster.fetch import fetch, watch
from bot.cluster.models import Snapshot
from bot.cluster.tasks import Dialect, DialectVerdict

FIRST_SHARE = 0.9
"""The part of the answer deadline after which a command answers with what it knows, so that it is out in time."""
STRAGGLER_SECONDS = 14.0
"""How long a command waits in all for hosts that hold their answers (a new leader may for ten seconds)."""


@dataclass(slots=True)
class Cluster:
    """Name, hosts, channel and calls of one cluster; remembers the dialect it last told."""

    name: str
    operations_channel: str
    api: ClusterApi
    clock: Callable[[], float]
    deadline: float
    pinned: Dialect | None = None
    _told: DialectVerdict | None = field(default=None)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The configured hosts."""
        return self.api.hosts

    def looks(self, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> AsyncIterator[Snapshot]:
        """What all hosts say: at the deadline at the latest, and once more when stragglers have answered."""
        return watch(
            self.api,
            self.name,
            now=self.clock(),
            deadlines=(self.deadline * FIRST_SHARE, self.deadline + STRAGGLER_SECONDS),
            bad_disks=bad_disks,
            switches=switches,
        )

    async def look(self, deadline: float, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> Snapshot:
        """What all hosts say within `deadline` seconds."""
        return await fetch(
            self.api, self.name, now=self.clock(), deadline=deadline, bad_disks=bad_disks, switches=switches
        )

    async def dialect(self, *, fresh: bool = False) -> DialectVerdict:
        """How the cluster spells its switches: pinned by the settings, as remembered, or probed anew."""
        if self.pinned is not None:
            return DialectVerdict(self.pinned, "the settings pin it.", pinned=True)
        if self._told is not None and not fresh:
            return self._told
        verdict = await detect_dialect(self.api, deadline=self.deadline * FIRST_SHARE)
        if verdict.dialect is not None:
            self._told = verdict
        return verdict
