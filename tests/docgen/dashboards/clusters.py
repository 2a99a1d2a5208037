"""The dashboards of all clusters and of one cluster."""

from collections.abc import Sequence

from tests.docgen.dashboards.graphs import GREEN, RED, YELLOW, Graph, Page, Query

ON = 'cluster=~"$cluster"'
"""The matcher of the clusters that are chosen."""
FIRING = ON + ', state="firing"'
FREE = ON + ', state="free"'
STATUSES = ("healthy", "degraded", "critical", "no_leader", "unreachable", "contradiction")


def most(metric: str, by: str = "cluster", where: str = ON) -> str:
    """The metric by labels: while a cluster moves between replicas, one scrape may see both."""
    return f"max by ({by}) ({metric}{{{where}}})"


def _state(metric: str, state: str, by: str = "cluster") -> str:
    of_state = ON + f', state="{state}"'
    return f"sum by ({by}) ({most(metric, 'cluster, zone', of_state)})"


_STATUS = " or ".join(
    f'(max by (cluster) (cmbot_cluster_status{{{ON}, status="{status}"}}) == 1) * {number}'
    for number, status in enumerate(STATUSES)
)
STATUS = Graph(
    "Status",
    [Query(_STATUS)],
    about="The status of each cluster as cmbot says it in Slack. No value: no replica has current data.",
    now=True,
    names={str(number): status.replace("_", " ") for number, status in enumerate(STATUSES)},
    steps=((None, GREEN), (1, YELLOW), (2, RED)),
    width=24,
    height=5,
)
LIMIT_OF_VOTERS: Sequence[tuple[float | None, str]] = ((None, RED), (0, YELLOW), (1, GREEN))
_WRITABLE = f"{most('cmbot_cluster_space_writable_bytes')} / ({most('cmbot_cluster_space_total_bytes')} > 0)"

CLUSTERS = Page(
    "cmbot-clusters",
    "BlobStore clusters",
    "All clusters that cmbot watches. Gauges end when their data are too old: an empty panel is no zero.",
    (("cluster", "label_values(cmbot_cluster_configured, cluster)", True),),
    {
        "Now": (
            STATUS,
            Graph(
                "Firing alerts",
                [
                    Query(
                        f"sum by (cluster, severity) ({most('cmbot_cluster_alerts', 'cluster, severity', FIRING)})",
                        "{{cluster}} {{severity}}",
                    )
                ],
                about="Alerts of cmbot that are neither acknowledged nor silenced.",
                stacked=True,
            ),
            Graph(
                "Voters that can fail yet",
                [Query(most("cmbot_cluster_quorum_margin"))],
                about="Below 0 writes may have stopped.",
                steps=LIMIT_OF_VOTERS,
            ),
            Graph(
                "Age of the data",
                [Query(most("cmbot_cluster_data_age_seconds"))],
                unit="s",
                about="Too old above four poll intervals of the cluster, three minutes at least.",
            ),
        ),
        "Disks and volumes": (
            Graph(
                "Broken disks", [Query(_state("cmbot_cluster_disks_listed", "broken"))], about="As of the last poll."
            ),
            Graph("Disks without a heartbeat", [Query(_state("cmbot_cluster_disks_counted", "expired"))]),
            Graph(
                "Volumes at risk",
                [Query(most("cmbot_cluster_volumes_at_risk", "cluster, margin"), "{{cluster}} {{margin}}")],
                about="By the number of units that a volume can lose yet.",
            ),
            Graph("Writable share of the space", [Query(_WRITABLE)], unit="percentunit"),
            Graph(
                "Days until full",
                [Query(f"({most('cmbot_cluster_full_timestamp_seconds')} - time()) / 86400")],
                unit="d",
                about="By the trend of the last two weeks, while that is known well enough.",
            ),
            Graph(
                "Switches that are off",
                [Query(f"{most('cmbot_cluster_switch_enabled', 'cluster, task')} == 0", "{{cluster}} {{task}}")],
                now=True,
                rows=True,
            ),
        ),
    },
)

ONE = Page(
    "cmbot-cluster",
    "BlobStore cluster",
    "One cluster as cmbot sees it. Counters of the leader lag by minutes; the listed disks are as of the last poll.",
    (("cluster", "label_values(cmbot_cluster_configured, cluster)", False),),
    {
        "Raft": (
            STATUS,
            Graph("Leader", [Query(most("cmbot_cluster_leader_peer"), "peer")], about="Id of the peer that leads."),
            Graph("Term", [Query(most("cmbot_cluster_term"), "term")]),
            Graph("Hosts that answer", [Query(most("cmbot_cluster_host_up", "host"), "{{host}}")]),
            Graph("Members by state", [Query(most("cmbot_cluster_peers", "role, state"), "{{role}} {{state}}")]),
            Graph(
                "Entries behind the leader", [Query(most("cmbot_cluster_peer_lag_entries", "peer"), "peer {{peer}}")]
            ),
            Graph(
                "Voters",
                [
                    Query(most("cmbot_cluster_voters", "health"), "{{health}}"),
                    Query(most("cmbot_cluster_quorum_margin"), "can fail yet"),
                ],
            ),
        ),
        "Disks": (
            Graph(
                "Listed disks",
                [Query(most("cmbot_cluster_disks_listed", "zone, state"), "{{zone}} {{state}}")],
                about="Broken, repairing and dropping disks by zone.",
            ),
            Graph(
                "Counted disks",
                [Query(most("cmbot_cluster_disks_counted", "zone, state"), "{{zone}} {{state}}")],
            ),
            Graph("Disks by zone", [Query(most("cmbot_cluster_disks", "zone"), "{{zone}}")]),
            Graph(
                "Free share of the chunks",
                [
                    Query(
                        f"{most('cmbot_cluster_chunks', 'zone', FREE)}"
                        f" / (sum by (zone) ({most('cmbot_cluster_chunks', 'zone, state')}) > 0)",
                        "{{zone}}",
                    )
                ],
                unit="percentunit",
            ),
            Graph(
                "Space",
                [
                    Query(most(f"cmbot_cluster_space_{kind}_bytes"), kind)
                    for kind in ("total", "used", "free", "writable")
                ],
                unit="bytes",
            ),
            Graph("Read-only", [Query(most("cmbot_cluster_read_only"), "read_only")]),
        ),
        "Volumes and background work": (
            Graph(
                "Volumes",
                [
                    Query(most("cmbot_cluster_volumes"), "all"),
                    Query(most("cmbot_cluster_volumes_in_state", "state"), "{{state}}"),
                ],
            ),
            Graph("Volumes at risk", [Query(most("cmbot_cluster_volumes_at_risk", "margin"), "{{margin}}")]),
            Graph("All volumes judged", [Query(most("cmbot_cluster_volumes_judged"), "judged")]),
            Graph("Switches", [Query(most("cmbot_cluster_switch_enabled", "task"), "{{task}}")]),
            Graph("Schedulers", [Query(most("cmbot_cluster_schedulers", "state"), "{{state}}")]),
            Graph(
                "Tasks",
                [Query(most("cmbot_cluster_tasks", "kind, state"), "{{kind}} {{state}}")],
                about="Only if the settings allow cmbot to ask the schedulers.",
            ),
            Graph(
                "Disks under way",
                [Query(most("cmbot_cluster_task_disks", "kind"), "{{kind}}")],
                about="Only if the settings allow cmbot to ask the schedulers.",
            ),
            Graph(
                "Failures of tasks in a minute",
                [Query(most("cmbot_cluster_task_recent_failures", "kind"), "{{kind}}")],
                about="Only if the settings allow cmbot to ask the schedulers.",
            ),
            Graph(
                "Alerts",
                [Query(most("cmbot_cluster_alerts", "state, severity"), "{{state}} {{severity}}")],
                stacked=True,
            ),
        ),
        "Polls": (
            Graph(
                "Age of the data",
                [
                    Query(most("cmbot_cluster_data_age_seconds"), "age"),
                    Query(f"clamp_min(4 * {most('cmbot_cluster_poll_interval_seconds')}, 180)", "too old above"),
                ],
                unit="s",
            ),
            Graph(
                "Duration of polls",
                [
                    Query(
                        "histogram_quantile(0.99, sum by (le)"
                        f" (rate(cmbot_poll_duration_seconds_bucket{{{ON}}}[$__rate_interval])))",
                        "p99",
                    )
                ],
                unit="s",
            ),
            Graph(
                "Calls by outcome",
                [Query(f"sum by (outcome) (rate(cmbot_cluster_calls_total{{{ON}}}[$__rate_interval]))", "{{outcome}}")],
                unit="reqps",
            ),
            Graph(
                "Hosts without an answer, by cause",
                [Query(f"sum by (cause) (rate(cmbot_poll_host_errors_total{{{ON}}}[$__rate_interval]))", "{{cause}}")],
                unit="ops",
            ),
        ),
    },
)
