"""What the watch needs of the store and the world: the slices of the unit of work that its effects use."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from bot.alerting.cluster_state.changes import Causes, Change
from bot.alerting.model import Alert, AlertText, Silence
from bot.clustermgr.models import Snapshot
from bot.interactions.message import Message

Look = Callable[[], Awaitable[Snapshot]]
"""Ask all hosts of one cluster; what they did wrong is in the Snapshot."""

Explain = Callable[[Sequence[Change]], Awaitable[Causes]]
"""Tell which operations changes come from; those that none caused are left out. Raises StoreError."""


async def unexplained(_: Sequence[Change]) -> Causes:
    """An Explain that knows of no operations."""
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
        """Those whose time is not over."""

    async def ended(self, now: float, cluster: str) -> list[Silence]:
        """Those whose time is over and that nobody removed yet."""

    async def remove(self, silence_id: int) -> bool:
        """Delete one; False when it was gone already."""

    async def end_with(self, alert_id: int) -> int:
        """Delete those that end with this alert; returns how many."""


class ClusterStateRows(Protocol):
    """What is remembered of each cluster."""

    async def get(self, cluster: str) -> dict[str, Any]:
        """Empty when nothing is."""

    async def put(self, cluster: str, data: Mapping[str, Any]) -> None:
        """Remember this instead."""


class ChannelHistoryRows(Protocol):
    """What is remembered of each Slack channel."""

    async def get(self, channel: str) -> dict[str, Any]:
        """Empty when nothing is; a transaction that writes keeps it to itself."""

    async def put(self, channel: str, data: Mapping[str, Any]) -> None:
        """Remember this instead."""


class SampleRows(Protocol):
    """Measurements over time."""

    async def add(self, cluster: str, at: float, values: Mapping[str, Any]) -> None:
        """Keep one."""

    async def range(self, cluster: str, since: float, *, every: float = 0.0) -> list[tuple[float, dict[str, Any]]]:
        """Those since then, oldest first; with `every` (seconds) the last of each such span."""

    async def first(self, cluster: str) -> float | None:
        """When the oldest was taken."""


class OutboxRows(Protocol):
    """The messages that must exist in Slack."""

    async def put(
        self, slot: str, channel: str, message: Message, *, parent: str | None = None, broadcast: bool = False
    ) -> None:
        """Make `message` what this slot shows."""

    async def overtaken(self, prefix: str, *, loud: bool = False) -> int:
        """Forget the replies whose slots begin so and that are surely not in Slack, with `loud` also broadcast ones."""


class ScheduledRunRows(Protocol):
    """What fired when."""

    async def once(self, job: str, due_at: float) -> bool:
        """Whether the caller is the first."""

    async def last(self, jobs: Collection[str], before: float) -> float | None:
        """When any of these fired last that was due before a time."""


class WatchUnit(Protocol):
    """One transaction."""

    @property
    def alerts(self) -> AlertRows:
        """Alerts."""

    @property
    def silences(self) -> SilenceRows:
        """Silences."""

    @property
    def memory(self) -> ClusterStateRows:
        """Memories."""

    @property
    def channels(self) -> ChannelHistoryRows:
        """What channels were told lately."""

    @property
    def samples(self) -> SampleRows:
        """Measurements."""

    @property
    def outbox(self) -> OutboxRows:
        """Messages."""

    @property
    def firings(self) -> ScheduledRunRows:
        """Firings."""


class WatchStore(Protocol):
    """The store; both raise StoreError."""

    def begin(self) -> AbstractAsyncContextManager[WatchUnit]:
        """Open a transaction that commits at its end, or not at all."""

    def read(self) -> AbstractAsyncContextManager[WatchUnit]:
        """Open a view that cannot write."""
