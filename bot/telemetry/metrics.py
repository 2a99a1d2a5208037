"""The program's metrics in a registry of their own, for Prometheus; labels are bounded by the settings and tables."""

from collections.abc import Callable, Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_ACKS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
_CALLS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)

_LAGS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """What is counted and measured; times are seconds."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = held = CollectorRegistry(auto_describe=True)
        self._acks = Histogram(
            "cmbot_ack_seconds", "From receipt to acknowledgement.", ["kind"], registry=held, buckets=_ACKS
        )
        self._commands = Counter("cmbot_commands", "Commands by how they ended.", ["command", "outcome"], registry=held)
        self._ticks = Histogram(
            "cmbot_tick_seconds", "Looks of the watch.", ["cluster", "outcome"], registry=held, buckets=_CALLS
        )
        self._last_tick = Gauge("cmbot_last_tick_time", "Unix time of the last look.", ["cluster"], registry=held)
        self._blind = Gauge(
            "cmbot_watch_blind_seconds",
            "For how long no look has come through, 0 while they do.",
            ["cluster"],
            registry=held,
        )
        self._troubles = Counter(
            "cmbot_schedule_troubles", "Jobs not run as they should.", ["job", "kind"], registry=held
        )
        self._alerts = Gauge("cmbot_alerts_open", "Alerts not yet resolved.", ["cluster"], registry=held)
        self._depth = Gauge("cmbot_outbox_depth", "Messages that wait to be sent.", registry=held)
        self._oldest = Gauge("cmbot_outbox_oldest_seconds", "How long the oldest of them has waited.", registry=held)
        self._dead = Gauge("cmbot_outbox_dead", "Messages that were given up.", registry=held)
        self._calls = Histogram(
            "cmbot_cluster_call_seconds",
            "Calls to Clustermgr hosts.",
            ["cluster", "call", "outcome"],
            registry=held,
            buckets=_CALLS,
        )
        self._clock = Gauge(
            "cmbot_clock_ahead_seconds",
            "By how much the system clock was set ahead (below 0: back) since the start.",
            registry=held,
        )
        self._replicas = Gauge(
            "cmbot_replicas_alive", "Processes that share the database, this one too.", registry=held
        )
        self._holds = Gauge(
            "cmbot_replica_holds", "1 for each piece of the work that this process holds.", ["task"], registry=held
        )
        self._dead_socket = Gauge("cmbot_socket_dead_seconds", "Seconds without a live connection.", registry=held)
        self._lag = Histogram(
            "cmbot_loop_lag_seconds", "How late the event loop was at each look.", registry=held, buckets=_LAGS
        )
        self._longest_hold = Gauge(
            "cmbot_loop_longest_hold_seconds", "Longest delay over 0.1 s of the last 30 s, else 0.", registry=held
        )
        self._rejected = Gauge(
            "cmbot_slack_rejected", "1 while Slack rejects the token of this variable.", ["variable"], registry=held
        )
        self._quiet_socket = Gauge("cmbot_socket_quiet_seconds", "Seconds since Slack delivered.", registry=held)

    def acked(self, kind: str, seconds: float) -> None:
        """One acknowledgement (`bot.slack.middleware.OnAck`)."""
        self._acks.labels(kind).observe(seconds)

    def command(self, name: str, outcome: str) -> None:
        """One command that ended: its path (`task enable`) and whether it was answered, refused, failed or crashed."""
        self._commands.labels(name, outcome).inc()

    def tick(self, cluster: str, outcome: str, seconds: float, at: float) -> None:
        """One look of the watch that ended at `at` (Unix seconds)."""
        self._ticks.labels(cluster, outcome).observe(seconds)
        self._last_tick.labels(cluster).set(at)

    def blind(self, cluster: str, seconds: float) -> None:
        """For how long the watch of a cluster has been blind (0 when it sees)."""
        self._blind.labels(cluster).set(seconds)

    def trouble(self, job: str, kind: str) -> None:
        """A job of the schedule that was missed, was due again while it ran, or raised."""
        self._troubles.labels(job, kind).inc()

    def alerts_open(self, cluster: str, number: int) -> None:
        """How many alerts of a cluster are open."""
        self._alerts.labels(cluster).set(number)

    def outbox(self, depth: int, oldest: float, dead: int) -> None:
        """How the outbox stands."""
        self._depth.set(depth)
        self._oldest.set(oldest)
        self._dead.set(dead)

    def clock(self, ahead: float) -> None:
        """How far the system clock is from the clock of the process."""
        self._clock.set(ahead)

    def replicas(self, alive: int, held: Collection[str]) -> None:
        """How many processes share the work, and which of it is this one's."""
        self._replicas.set(alive)
        self._holds.clear()
        for task in held:
            self._holds.labels(task).set(1)

    def cluster_call(self, cluster: str, call: str, outcome: str, seconds: float) -> None:
        """One call to a host; `call` is its path, `outcome` is `ok`, the status or the name of our error."""
        self._calls.labels(cluster, call, outcome).observe(seconds)

    def loop_lag(self, seconds: float) -> None:
        """How late the event loop was at one look."""
        self._lag.observe(seconds)

    def watch_loop(self, longest: Callable[[], float]) -> None:
        """Read the longest hold whenever the metrics are asked for."""
        self._longest_hold.set_function(longest)

    def slack_rejected(self, variable: str, rejected: bool) -> None:
        """Whether Slack rejects the token that this environment variable holds."""
        self._rejected.labels(variable).set(rejected)

    def watch_socket(self, dead_for: Callable[[], float], quiet_for: Callable[[], float]) -> None:
        """Read the socket's state whenever the metrics are asked for."""
        self._dead_socket.set_function(dead_for)
        self._quiet_socket.set_function(quiet_for)

    def exposed(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
