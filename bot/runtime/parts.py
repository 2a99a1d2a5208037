"""App: all parts of the running program, built by `bot.runtime.app.build`."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.alerting.cluster_state.state import ClusterNote
from bot.chatops.dispatcher import Dispatcher
from bot.chatops.home import HomeTab
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.read_pace import ReadPace
from bot.common.frozen import frozen
from bot.config import Settings
from bot.delivery.fallback import Fallback
from bot.delivery.worker import Outbox
from bot.integrations.intake import Intake
from bot.integrations.worker import OutputWorker
from bot.leadership.membership import Membership
from bot.leadership.model import Hold
from bot.operations.policy import PolicyMode
from bot.runtime.clock import Clock, ClockGuard, RemoteTimes
from bot.runtime.scheduler import Scheduler
from bot.runtime.status import StatusReporter
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import Bolt
from bot.slack.socket_mode import SocketMode
from bot.slack.task_queue import TaskQueue
from bot.slack.token_status import TokenStatus
from bot.store.database import Store
from bot.store.retention import Retention
from bot.telemetry.heartbeat import Heartbeat
from bot.telemetry.loop_lag import LoopLag
from bot.telemetry.metrics import Metrics
from bot.telemetry.tracer import NO_TRACER, Tracer
from bot.watch.admission import Admission
from bot.watch.alert_actions import AlertActions
from bot.watch.output_rows import ReceiversInUse
from bot.watch.scheduled_reports import ReportJob, Summaries
from bot.watch.state_saver import StateSaver
from bot.watch.watchdog import Watchdog
from bot.watch.watcher import Watcher
from bot.workflow.disk_series import DiskSeries
from bot.workflow.drop_progress import DropFollower
from bot.workflow.executor import Executor
from bot.workflow.repository import OperationRepository
from bot.workflow.reversions import Reversions

Notes = dict[str, ClusterNote]
"""Results of the last poll of each cluster: one table that polls write and answers read."""


class Follower(Protocol):
    """Reloads the settings when a person asked every replica to."""

    async def follow(self) -> None:
        """Look once. Raises StoreError."""


@dataclass(slots=True)
class KnownClusters:
    """The clusters of all replicas: since when they are the same ones; `closed` once all others were closed."""

    names: frozenset[str] = frozenset()
    since: float = 0.0
    closed: bool = False

    def note(self, names: Collection[str], now: float) -> float:
        """Note those of now; return for how many seconds they have been the same."""
        if self.names != set(names):
            self.names, self.since, self.closed = frozenset(names), now, False
        return now - self.since


@dataclass(slots=True)
class RunState:
    """State of a running program; `port` is where health, metrics and Slack's events are served.

    `reloading` is set when the program stops only to be built again with new settings.
    """

    port: int = 0
    reloading: bool = False
    started: asyncio.Event = field(default_factory=asyncio.Event)
    ended_parts: list[str] = field(default_factory=list)
    """Background parts that ended by themselves, which is always a fault."""
    polled_under: dict[str, Hold] = field(default_factory=dict)
    """The hold under which this replica polled each cluster last."""
    known: KnownClusters = field(default_factory=KnownClusters)
    channels_followed: dict[str, Hold] = field(default_factory=dict)
    """The hold under which the open alerts of each cluster were last looked for in its alert channel."""


@frozen
class App:
    """All parts of the program.

    `clock` is the clock of the process; setting the system time does not change it. `wall` is the system clock, which
    crontabs follow. `cluster_notes` has the results of the last polls, of this replica and of others. `began_as` are
    the default policies with which the installation began. `outputs` and `intake` are None unless the settings name
    receivers, or a token for an Alertmanager.
    """

    settings: Settings
    clock: Clock
    wall: Clock
    clock_guard: ClockGuard
    store: Store
    began_as: PolicyMode
    clusters: Mapping[str, Cluster]
    metrics: Metrics
    cluster_notes: Notes
    watches: Mapping[str, Watcher]
    watchdog: Watchdog
    scheduler: Scheduler
    membership: Membership
    outbox: Outbox
    fallback: Fallback
    repository: OperationRepository
    executor: Executor
    reversions: Reversions
    drop_follower: DropFollower
    disk_series: DiskSeries
    alert_actions: AlertActions
    report_jobs: Sequence[ReportJob]
    summaries: Summaries
    dispatcher: Dispatcher
    home: HomeTab
    task_queue: TaskQueue
    installation: InstallationCheck
    bolt: Bolt
    socket: SocketMode | None
    token_status: TokenStatus
    status_reporter: StatusReporter
    retention: Retention
    heartbeat: Heartbeat
    loop_lag: LoopLag
    admission: Admission
    read_pace: ReadPace
    state_saver: StateSaver
    reloads: Follower | None = None
    outputs: OutputWorker | None = None
    receivers: ReceiversInUse | None = None
    intake: Intake | None = None
    remote_times: RemoteTimes = field(default_factory=RemoteTimes)
    state: RunState = field(default_factory=RunState)
    tracer: Tracer = NO_TRACER

    @property
    def port(self) -> int:
        """Port of the HTTP server, 0 before it listens."""
        return self.state.port
