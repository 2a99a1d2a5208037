"""Metrics for Prometheus, in a registry of their own; settings and tables bound the values of every label."""

from collections.abc import Callable, Collection, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.telemetry.histogram import ManyTimes

_ACKS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
_CALLS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)

_LAGS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """Counters, gauges and histograms; times are in seconds."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = held = CollectorRegistry(auto_describe=True)
        self._acks = Histogram(
            "cmbot_ack_seconds", "Time from receipt to acknowledgement.", ["kind"], registry=held, buckets=_ACKS
        )
        self._commands = Counter("cmbot_commands", "Commands by outcome.", ["command", "outcome"], registry=held)
        self._ticks = ManyTimes(
            "cmbot_tick_seconds",
            "Duration of the polls of a cluster.",
            ("cluster", "outcome"),
            _CALLS,
        )
        self._last_tick = Gauge("cmbot_last_tick_time", "Unix time of the last poll.", ["cluster"], registry=held)
        self._unpolled = Gauge(
            "cmbot_watch_blind_seconds",
            "Time without a successful poll, 0 while polls succeed.",
            ["cluster"],
            registry=held,
        )
        self._job_problems = Counter(
            "cmbot_schedule_troubles",
            "Runs of periodic jobs that were missed, overlapped or failed.",
            ["job", "kind"],
            registry=held,
        )
        self._waiting = Gauge("cmbot_polls_waiting", "Polls that are due and wait for their turn.", registry=held)
        self._skipped = Gauge(
            "cmbot_polls_skipped", "Polls left out since the start because the load was too high.", registry=held
        )
        self._stretch = Gauge(
            "cmbot_poll_interval_stretch",
            "Time between polls as a multiple of the interval in the settings, 1 without overload.",
            registry=held,
        )
        self._reads_wait = Gauge(
            "cmbot_volume_reads_wait",
            "1 while disks or volumes stay unread because all clusters together have too many to read.",
            registry=held,
        )
        # The values of the gauges below by cluster: finding the series of each one costs more than comparing it.
        self._unpolled_for: dict[str, float] = {}
        self._open_alerts: dict[str, int] = {}
        self._alerts = Gauge("cmbot_alerts_open", "Alerts not yet resolved.", ["cluster"], registry=held)
        self._depth = Gauge("cmbot_outbox_depth", "Messages that wait to be sent to Slack.", registry=held)
        self._oldest = Gauge("cmbot_outbox_oldest_seconds", "Age of the oldest message that waits.", registry=held)
        self._dead = Gauge("cmbot_outbox_dead", "Messages that Slack refused for good.", registry=held)
        self._commits = Gauge("cmbot_store_commits", "Writes that the database took since the start.", registry=held)
        self._calls = ManyTimes(
            "cmbot_cluster_call_seconds",
            "Calls to Clustermgr hosts.",
            ("cluster", "call", "outcome"),
            _CALLS,
        )
        self._clock = Gauge(
            "cmbot_clock_ahead_seconds",
            "Seconds by which the system clock was set forward (below 0: back) since the start.",
            registry=held,
        )
        self._replicas = Gauge(
            "cmbot_replicas_alive", "Active replicas on the database, including this one.", registry=held
        )
        self._held: frozenset[str] = frozenset()
        self._holds = Gauge("cmbot_replica_holds", "1 for each task that this replica holds.", ["task"], registry=held)
        self._dead_socket = Gauge("cmbot_socket_dead_seconds", "Seconds without a connection to Slack.", registry=held)
        self._lag = Histogram(
            "cmbot_loop_lag_seconds", "Delay of the event loop at each measurement.", registry=held, buckets=_LAGS
        )
        self._longest_hold = Gauge(
            "cmbot_loop_longest_hold_seconds", "Longest delay above 0.1 s in the last 30 s, else 0.", registry=held
        )
        self._rejected = Gauge(
            "cmbot_slack_rejected", "1 while Slack rejects the token of this variable.", ["variable"], registry=held
        )
        self._quiet_socket = Gauge(
            "cmbot_socket_quiet_seconds", "Seconds since Slack last delivered anything.", registry=held
        )

    def acked(self, kind: str, seconds: float) -> None:
        """Count one acknowledgement (`bot.slack.middleware.OnAck`)."""
        self._acks.labels(kind).observe(seconds)

    def command(self, name: str, outcome: str) -> None:
        """Count one command by its path (`task enable`) and its outcome: answered, refused, failed or crashed."""
        self._commands.labels(name, outcome).inc()

    def tick(self, cluster: str, outcome: str, seconds: float, at: float) -> None:
        """Count one poll that ended at `at` (Unix seconds)."""
        self._ticks.observe((cluster, outcome), seconds)
        self._last_tick.labels(cluster).set(at)

    def unpolled(self, cluster: str, seconds: float) -> None:
        """Set the time for which no poll of a cluster has succeeded."""
        if self._unpolled_for.get(cluster) != seconds:
            self._unpolled_for[cluster] = seconds
            self._unpolled.labels(cluster).set(seconds)

    def job_problem(self, job: str, kind: str) -> None:
        """Count a run of a periodic job that was missed, overlapped or failed."""
        self._job_problems.labels(job, kind).inc()

    def load(self, waiting: int, skipped: int, stretch: float, *, reads_wait: bool) -> None:
        """Set the load of the polls."""
        self._reads_wait.set(reads_wait)
        self._waiting.set(waiting)
        self._skipped.set(skipped)
        self._stretch.set(stretch)

    def alerts_open(self, cluster: str, number: int) -> None:
        """Set the number of open alerts of a cluster."""
        if self._open_alerts.get(cluster) != number:
            self._open_alerts[cluster] = number
            self._alerts.labels(cluster).set(number)

    def outbox(self, depth: int, oldest: float, dead: int) -> None:
        """Set the state of the outbox."""
        self._depth.set(depth)
        self._oldest.set(oldest)
        self._dead.set(dead)

    def clock(self, ahead: float) -> None:
        """Set the seconds by which the system clock is before the clock of the process."""
        self._clock.set(ahead)

    def replicas(self, alive: int, held: Collection[str]) -> None:
        """Set the number of active replicas and the tasks that this one holds."""
        self._replicas.set(alive)
        for task in self._held.difference(held):
            self._holds.remove(task)
        for task in set(held) - self._held:
            self._holds.labels(task).set(1)
        self._held = frozenset(held)

    def cluster_call(self, cluster: str, call: str, outcome: str, seconds: float) -> None:
        """Count one call to a host; `call` is its path, `outcome` is `ok`, the status or the name of the error."""
        self._calls.observe((cluster, call, outcome), seconds)

    def loop_lag(self, seconds: float) -> None:
        """Count one delay of the event loop."""
        self._lag.observe(seconds)

    def watch_store(self, commits: Callable[[], float]) -> None:
        """Read the number of committed transactions at every scrape."""
        self._commits.set_function(commits)

    def watch_loop(self, longest: Callable[[], float]) -> None:
        """Read the longest delay at every scrape."""
        self._longest_hold.set_function(longest)

    def slack_rejected(self, variable: str, rejected: bool) -> None:
        """Set whether Slack rejects the token in this environment variable."""
        self._rejected.labels(variable).set(rejected)

    def watch_socket(self, dead_for: Callable[[], float], quiet_for: Callable[[], float]) -> None:
        """Read the state of the socket at every scrape."""
        self._dead_socket.set_function(dead_for)
        self._quiet_socket.set_function(quiet_for)

    def exposed(self) -> bytes:
        """Return the text for Prometheus."""
        return b"".join(self.parts())

    def parts(self) -> Iterator[bytes]:
        """Return the same text in parts of at most a megabyte; any thread may ask."""
        yield generate_latest(self.registry)
        for histogram in (self._ticks, self._calls):
            for part in histogram.text():
                yield part.encode()
