"""Metrics of cmbot itself for Prometheus; settings and tables bound the values of every label.

Those of the clusters are read at a scrape by what `read_clusters` is given (bot/runtime/cluster_gauges.py).
"""

import platform
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.common.version import own_version
from bot.telemetry.instruments import COUNTER, GAUGE, Instruments

OUTCOMES = ("delivered", "failed", "refused")
"""What becomes of an alert that is sent to a receiver outside Slack."""

_ACKS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
_CALLS = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
_LAGS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_OUTPUT_ROWS = (
    ("cmbot_output_depth", "Alerts that wait to be sent to a receiver outside Slack."),
    ("cmbot_output_oldest_age_seconds", "Age of the oldest alert that waits for a receiver."),
    ("cmbot_output_dead", "Alerts whose content a receiver refused for good."),
)

Counts = Mapping[tuple[str, str], float]
"""Numbers by the values of two labels."""


class Metrics:
    """Counters, gauges and histograms; times are in seconds."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.instruments = made = Instruments()
        self._clusters: Callable[[], Iterator[str]] = lambda: iter(())
        made.gauge("cmbot_build_info", "1; the release that runs.", ("version", "python")).labels(
            own_version(), platform.python_version()
        ).set(1)
        self._make_commands(made)
        self._make_polls(made)
        self._make_slack(made)
        self._make_outputs(made)
        self._make_store(made)
        self._make_process(made)

    def _make_commands(self, made: Instruments) -> None:
        self._acks = made.histogram(
            "cmbot_ack_seconds",
            "Time from receipt to acknowledgement.",
            ("kind",),
            buckets=_ACKS,
            series="kinds of deliveries (9)",
        )
        self._commands = made.counter(
            "cmbot_commands_total",
            "Commands by outcome: answered, refused, failed or crashed.",
            ("command", "outcome"),
            series="commands x 4",
        )
        self._operations = made.counter(
            "cmbot_operations_total",
            "Operations that this replica moved to a state; verified, failed and unknown are the outcomes of a write.",
            ("kind", "state"),
            series="kinds of operations (10) x states (12)",
        )
        self._open_operations: Counts = {}
        made.read(
            "cmbot_operations_open",
            GAUGE,
            "Operations in the database that are not ended.",
            ("kind", "state"),
            lambda: [*self._open_operations.items()],
            series="kinds x states of those that are open",
        )

    def _make_polls(self, made: Instruments) -> None:
        self._polls = made.many_times(
            "cmbot_poll_duration_seconds",
            "Duration of the polls of a cluster with their evaluation; outcome: done or failed.",
            ("cluster", "outcome"),
            buckets=_CALLS,
            series="clusters x 2",
        )
        self._polled: dict[str, float] = {}
        made.read(
            "cmbot_poll_last_timestamp_seconds",
            GAUGE,
            "System time at which this replica last polled the cluster.",
            ("cluster",),
            lambda: [((cluster,), at) for cluster, at in self._polled.copy().items()],
            series="clusters",
        )
        self._host_errors = made.many_counts(
            "cmbot_poll_host_errors_total",
            "Hosts without a usable answer to /stat in a poll, by cause.",
            ("cluster", "cause"),
            series="clusters x causes seen (at most 16)",
        )
        self._unpolled_for: dict[str, float] = {}
        made.read(
            "cmbot_watch_blind_seconds",
            GAUGE,
            "Time without a successful poll, 0 while polls succeed.",
            ("cluster",),
            lambda: [((cluster,), seconds) for cluster, seconds in self._unpolled_for.copy().items()],
            series="clusters",
        )
        self._job_problems = made.counter(
            "cmbot_job_problems_total",
            "Runs of periodic jobs that were missed, overlapped or failed.",
            ("name", "kind"),
            series="jobs with problems x 3",
        )
        self._waiting = made.gauge("cmbot_polls_waiting", "Polls that are due and wait for their turn.")
        self._skipped = 0
        made.read(
            "cmbot_polls_skipped_total",
            COUNTER,
            "Polls left out because the load was too high.",
            (),
            lambda: [((), float(self._skipped))],
        )
        self._stretch = made.gauge(
            "cmbot_poll_interval_stretch_ratio",
            "Time between polls as a multiple of the interval in the settings, 1 without overload.",
        )
        self._reads_wait = made.gauge(
            "cmbot_volume_reads_wait",
            "1 while disks or volumes stay unread because all clusters together have too many to read.",
        )
        self._call_times = made.many_times(
            "cmbot_cluster_call_duration_seconds",
            "Calls to Clustermgr hosts and schedulers, those without an answer included.",
            ("cluster", "call"),
            buckets=_CALLS,
            series="clusters x calls seen (at most 24)",
        )
        self._calls = made.many_counts(
            "cmbot_cluster_calls_total",
            "Calls to Clustermgr hosts and schedulers by outcome: ok, or the cause of the error.",
            ("cluster", "call", "outcome"),
            series="clusters x calls x outcomes seen (at most 17)",
        )

    def _make_slack(self, made: Instruments) -> None:
        self._slack_times = made.histogram(
            "cmbot_slack_call_duration_seconds",
            "Calls to Slack, those without an answer included.",
            ("method",),
            buckets=_CALLS,
            series="methods (19)",
        )
        self._slack_calls = made.counter(
            "cmbot_slack_calls_total",
            "Calls to Slack by outcome; rate_limited is the status 429.",
            ("method", "outcome"),
            series="methods x outcomes seen (at most 11)",
        )
        self._rejected = made.gauge(
            "cmbot_slack_rejected", "1 while Slack rejects the token of this variable.", ("variable",), series="2"
        )
        self._dead_socket = made.gauge("cmbot_socket_dead_seconds", "Seconds without a connection to Slack.")
        self._quiet_socket = made.gauge("cmbot_socket_quiet_seconds", "Seconds since Slack last delivered anything.")
        self._depth = made.gauge("cmbot_outbox_depth", "Messages that wait to be sent to Slack.")
        self._oldest = made.gauge("cmbot_outbox_oldest_age_seconds", "Age of the oldest message that waits.")
        self._dead = made.gauge("cmbot_outbox_dead", "Messages that Slack refused for good.")

    def _make_outputs(self, made: Instruments) -> None:
        self._deliveries = made.counter(
            "cmbot_output_deliveries_total",
            "Alerts sent to receivers outside Slack by outcome: delivered, failed (tried again) or refused.",
            ("receiver", "outcome"),
            series="receivers x 3",
        )
        self._output_rows: Mapping[str, tuple[int, float, int]] = {}
        for place, (name, about) in enumerate(_OUTPUT_ROWS):
            made.read(name, GAUGE, about, ("receiver",), partial(self._of_receivers, place), series="receivers")

    def _of_receivers(self, place: int) -> list[tuple[tuple[str], float]]:
        return [((name,), float(rows[place])) for name, rows in self._output_rows.items()]

    def _make_store(self, made: Instruments) -> None:
        self._transactions: Callable[[], Counts] = dict
        made.read(
            "cmbot_store_transactions_total",
            COUNTER,
            "Transactions by outcome: committed, rolled back by their own work, or failed because of the database.",
            ("access", "outcome"),
            lambda: self._transactions().items(),
            series="2 x 3",
        )
        self._replicas = made.gauge("cmbot_replicas_alive", "Active replicas on the database, including this one.")
        self._active = made.gauge(
            "cmbot_replica_active", "1 while this replica has its lease and works; the others may have expired it else."
        )
        self._held: frozenset[str] = frozenset()
        made.read(
            "cmbot_replica_holds",
            GAUGE,
            "1 for each task that this replica holds.",
            ("task",),
            lambda: [((task,), 1.0) for task in sorted(self._held)],
            series="clusters + 1, over all replicas",
        )
        self._hold_changes = made.counter(
            "cmbot_replica_hold_changes_total", "Tasks that this replica gained or lost.", ("change",), series="2"
        )
        for change in ("gained", "lost"):
            self._hold_changes.labels(change)

    def _make_process(self, made: Instruments) -> None:
        self._clock = made.gauge(
            "cmbot_clock_ahead_seconds",
            "Seconds by which the system clock was set forward (below 0: back) since the start.",
        )
        self._lag = made.histogram(
            "cmbot_loop_lag_seconds", "Delay of the event loop at each measurement.", buckets=_LAGS
        )
        self._longest_hold = made.gauge(
            "cmbot_loop_longest_hold_seconds", "Longest delay above 0.1 s in the last 30 s, else 0."
        )

    def acked(self, kind: str, seconds: float) -> None:
        """Count one acknowledgement (`bot.slack.middleware.OnAck`)."""
        self._acks.labels(kind).observe(seconds)

    def command(self, name: str, outcome: str) -> None:
        """Count one command by its path (`task enable`) and its outcome: answered, refused, failed or crashed."""
        self._commands.labels(name, outcome).inc()

    def operation(self, kind: str, state: str) -> None:
        """Count an operation that entered a state."""
        self._operations.labels(kind, state).inc()

    def operations_open(self, numbers: Counts) -> None:
        """Set the number of operations that are not ended, by (kind, state)."""
        self._open_operations = dict(numbers)

    def polled(self, cluster: str, outcome: str, seconds: float, at: float, errors: Collection[str] = ()) -> None:
        """Count one poll that ended at `at` (Unix seconds); `errors` are the causes of the hosts without an answer."""
        self._polls.observe((cluster, outcome), seconds)
        self._polled[cluster] = at
        for cause in errors:
            self._host_errors.add((cluster, cause))

    def unpolled(self, cluster: str, seconds: float) -> None:
        """Set the time for which no poll of a cluster has succeeded."""
        self._unpolled_for[cluster] = seconds

    def job_problem(self, job: str, kind: str) -> None:
        """Count a run of a periodic job that was missed, overlapped or failed."""
        self._job_problems.labels(job, kind).inc()

    def load(self, waiting: int, skipped: int, stretch: float, *, reads_wait: bool) -> None:
        """Set the load of the polls; `skipped` counts since the start."""
        self._reads_wait.set(reads_wait)
        self._waiting.set(waiting)
        self._skipped = skipped
        self._stretch.set(stretch)

    def outbox(self, depth: int, oldest: float, dead: int) -> None:
        """Set the state of the outbox."""
        self._depth.set(depth)
        self._oldest.set(oldest)
        self._dead.set(dead)

    def receivers(self, names: Collection[str]) -> None:
        """Begin the counters of these receivers outside Slack at 0: `increase()` then sees their first event."""
        for name in names:
            for outcome in OUTCOMES:
                self._deliveries.labels(name, outcome)

    def output(self, receiver: str, outcome: str, alerts: int) -> None:
        """Count alerts that were sent to a receiver (`bot.integrations.worker.OnOutcome`)."""
        self._deliveries.labels(receiver, outcome).inc(alerts)

    def outputs(self, rows: Mapping[str, tuple[int, float, int]]) -> None:
        """Set what waits for each receiver: alerts, the age of the oldest in seconds, and those refused for good."""
        self._output_rows = dict(rows)

    def clock(self, ahead: float) -> None:
        """Set the seconds by which the system clock is before the clock of the process."""
        self._clock.set(ahead)

    def replicas(self, alive: int, held: Collection[str], *, active: bool) -> None:
        """Set the number of active replicas, the tasks that this one holds, and if it is active itself."""
        self._replicas.set(alive)
        self._active.set(active)
        now = frozenset(held)
        self._hold_changes.labels("gained").inc(len(now - self._held))
        self._hold_changes.labels("lost").inc(len(self._held - now))
        self._held = now

    def cluster_call(self, cluster: str, call: str, outcome: str, seconds: float) -> None:
        """Count one call to a host; `call` is its path, `outcome` a CallOutcome."""
        self._call_times.observe((cluster, call), seconds)
        self._calls.add((cluster, call, outcome))

    def slack_call(self, method: str, outcome: str, seconds: float) -> None:
        """Count one call to Slack by the name of its method (`bot.slack.measure.OnCall`)."""
        self._slack_times.labels(method).observe(seconds)
        self._slack_calls.labels(method, outcome).inc()

    def loop_lag(self, seconds: float) -> None:
        """Count one delay of the event loop."""
        self._lag.observe(seconds)

    def watch_store(self, transactions: Callable[[], Counts]) -> None:
        """Read the number of transactions by (access, outcome) at every scrape."""
        self._transactions = transactions

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

    def read_clusters(self, text: Callable[[], Iterator[str]]) -> None:
        """Read the metrics of the clusters at every scrape, in another thread."""
        self._clusters = text

    def exposed(self) -> bytes:
        """Return the text for Prometheus."""
        return b"".join(self.parts())

    def parts(self) -> Iterator[bytes]:
        """Return the same text in parts of at most a megabyte; any thread may ask."""
        for text in (self.instruments.text, self._clusters):
            for part in text():
                yield part.encode()
