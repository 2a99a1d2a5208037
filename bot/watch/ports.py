"""Ports of the watch: the parts of the unit of work that it uses, and the poll of a cluster."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.alerting.cluster_state.state import Causes, Change, ClusterState
from bot.alerting.grouping import ChannelHistory
from bot.alerting.model import Alert, AlertText, Silence
from bot.alerting.reports.trend import Measurement, Sample
from bot.clustermgr.cluster import OnPartial
from bot.clustermgr.models import Snapshot
from bot.common.message_key import MessageKey
from bot.interactions.message import Message

Poll = Callable[[OnPartial], Awaitable[Snapshot]]
"""Poll all hosts of one cluster, their errors in the Snapshot; when a host is slow, first call back with the rest."""

Explain = Callable[[Sequence[Change]], Awaitable[Causes]]
"""Find the operations that caused changes; other changes are left out. Raises StoreError."""


async def unexplained(_: Sequence[Change]) -> Causes:
    """An Explain without operations."""
    return {}


class AlertRows(Protocol):
    """Alerts in the store."""

    async def open(self, cluster: str) -> list[Alert]:
        """Those not resolved."""

    async def recent(self, since: float, cluster: str) -> list[Alert]:
        """Those that changed since then, resolved ones too."""

    async def some(self, ids: Sequence[int]) -> list[Alert]:
        """Those of these ids that are kept."""

    async def save(self, alert: Alert, text: AlertText) -> Alert:
        """Insert (id 0) or replace the version before; raises Conflict."""

    async def touch(self, alert: Alert, text: AlertText) -> None:
        """Replace the same version; raises Conflict."""


class SilenceRows(Protocol):
    """Silences in the store."""

    async def active(self, now: float, cluster: str) -> list[Silence]:
        """Silences in force."""

    async def ended(self, now: float, cluster: str) -> list[Silence]:
        """Silences whose time is over and whose end was not announced yet."""

    async def remove(self, silence_id: int) -> bool:
        """Delete one; False when it was gone already."""

    async def end_with(self, alert_id: int) -> int:
        """Delete those that end with this alert; returns how many."""


class ClusterStateRows(Protocol):
    """Stored cluster states."""

    async def get(self, cluster: str) -> ClusterState:
        """The stored state, an empty one if there is none."""

    async def put(self, cluster: str, state: ClusterState) -> None:
        """Store the state."""


class ChannelHistoryRows(Protocol):
    """Stored channel histories."""

    async def get(self, channel: str) -> ChannelHistory:
        """The stored history; a writing transaction locks it."""

    async def put(self, history: ChannelHistory) -> None:
        """Store the history."""


class SampleRows(Protocol):
    """Stored measurements."""

    async def add(self, cluster: str, at: float, values: Measurement) -> None:
        """Store one."""

    async def range(self, cluster: str, since: float, *, every: float = 0.0) -> list[Sample]:
        """Measurements since a time, oldest first; with `every` (seconds) the last of each such span."""

    async def first(self, cluster: str) -> float | None:
        """Time of the oldest one, None without any."""


class OutboxRows(Protocol):
    """The messages that must exist in Slack."""

    async def put(
        self,
        message_key: MessageKey,
        channel: str,
        message: Message,
        *,
        parent: MessageKey | None = None,
        broadcast: bool = False,
    ) -> None:
        """Make `message` the content of the message of that key."""

    async def drop_unposted(self, prefix: str, *, loud: bool = False) -> int:
        """Drop unposted replies whose keys start with `prefix`; with `loud` also broadcast ones."""


class ScheduledRunRows(Protocol):
    """Stored runs of scheduled jobs."""

    async def once(self, job: str, due_at: float) -> bool:
        """True for the first caller only."""

    async def last(self, jobs: Collection[str], before: float) -> float | None:
        """Time of the last run of these jobs that was due before a time."""


class WatchUnit(Protocol):
    """One transaction."""

    @property
    def alerts(self) -> AlertRows:
        """Alerts."""

    @property
    def silences(self) -> SilenceRows:
        """Silences."""

    @property
    def cluster_states(self) -> ClusterStateRows:
        """Cluster states."""

    @property
    def channel_histories(self) -> ChannelHistoryRows:
        """Channel histories."""

    @property
    def samples(self) -> SampleRows:
        """Measurements."""

    @property
    def outbox(self) -> OutboxRows:
        """Messages."""

    @property
    def scheduled_runs(self) -> ScheduledRunRows:
        """Runs of scheduled jobs."""


class WatchStore(Protocol):
    """The store; both raise StoreError."""

    def begin(self) -> AbstractAsyncContextManager[WatchUnit]:
        """Open a transaction that commits at its end, or not at all."""

    def read(self) -> AbstractAsyncContextManager[WatchUnit]:
        """Open a view that cannot write."""
