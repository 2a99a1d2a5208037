"""The dashboard of cmbot itself."""

from tests.docgen.dashboards.graphs import Graph, Page, Query

AT = 'instance=~"$instance"'
"""The matcher of the replicas that are chosen."""


def _rate(metric: str, by: str, more: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{AT}{more}}}[$__rate_interval]))"


def _p99(metric: str, by: str) -> str:
    return f"histogram_quantile(0.99, {_rate(metric + '_bucket', by)})"


ITSELF = Page(
    "cmbot-itself",
    "cmbot itself",
    "The replicas of cmbot: polls, Slack, the outbox, the database and the process.",
    (("instance", "label_values(cmbot_build_info, instance)", True),),
    {
        "Replicas": (
            Graph(
                "Release",
                [Query(f"max by (instance, version, python) (cmbot_build_info{{{AT}}})", "{{instance}} {{version}}")],
                now=True,
                rows=True,
            ),
            Graph("Active replicas", [Query(f"max(cmbot_replicas_alive{{{AT}}})", "active")]),
            Graph("Tasks held", [Query(f"sum by (instance) (cmbot_replica_holds{{{AT}}})", "{{instance}}")]),
            Graph(
                "Tasks gained and lost",
                [Query(_rate("cmbot_replica_hold_changes_total", "change"), "{{change}}")],
                unit="ops",
            ),
            Graph("Memory", [Query(f"process_resident_memory_bytes{{{AT}}}", "{{instance}}")], unit="bytes"),
            Graph(
                "CPU",
                [Query(f"rate(process_cpu_seconds_total{{{AT}}}[$__rate_interval])", "{{instance}}")],
                unit="percentunit",
            ),
        ),
        "Polls and event loop": (
            Graph(
                "Delay of the event loop",
                [
                    Query(_p99("cmbot_loop_lag_seconds", "le, instance"), "{{instance}} p99"),
                    Query(f"cmbot_loop_longest_hold_seconds{{{AT}}}", "{{instance}} longest"),
                ],
                unit="s",
            ),
            Graph(
                "Duration of polls", [Query(_p99("cmbot_poll_duration_seconds", "le, outcome"), "{{outcome}} p99")], "s"
            ),
            Graph(
                "Load of polls",
                [
                    Query(f"cmbot_polls_waiting{{{AT}}}", "{{instance}} waiting"),
                    Query(f"cmbot_poll_interval_stretch_ratio{{{AT}}}", "{{instance}} stretch"),
                    Query(_rate("cmbot_polls_skipped_total", "instance"), "{{instance}} skipped/s"),
                ],
            ),
            Graph(
                "Calls to clusters by outcome",
                [Query(_rate("cmbot_cluster_calls_total", "outcome"), "{{outcome}}")],
                unit="reqps",
            ),
            Graph(
                "Duration of calls to clusters",
                [Query(_p99("cmbot_cluster_call_duration_seconds", "le, call"), "{{call}} p99")],
                unit="s",
            ),
            Graph(
                "Watches without a successful poll",
                [Query(f"max by (cluster) (cmbot_watch_blind_seconds{{{AT}}})")],
                unit="s",
            ),
        ),
        "Slack": (
            Graph(
                "Calls by outcome", [Query(_rate("cmbot_slack_calls_total", "outcome"), "{{outcome}}")], unit="reqps"
            ),
            Graph(
                "Duration of calls",
                [Query(_p99("cmbot_slack_call_duration_seconds", "le, method"), "{{method}} p99")],
                unit="s",
            ),
            Graph(
                "Calls refused with 429",
                [Query(_rate("cmbot_slack_calls_total", "method", ', outcome="rate_limited"'), "{{method}}")],
                unit="reqps",
            ),
            Graph("Messages that wait", [Query(f"max(cmbot_outbox_depth{{{AT}}})", "waiting")]),
            Graph(
                "Age of the oldest message", [Query(f"max(cmbot_outbox_oldest_age_seconds{{{AT}}})", "age")], unit="s"
            ),
            Graph("Messages refused for good", [Query(f"max(cmbot_outbox_dead{{{AT}}})", "refused")]),
            Graph(
                "Connection to Slack",
                [
                    Query(f"cmbot_socket_dead_seconds{{{AT}}}", "{{instance}} disconnected"),
                    Query(f"cmbot_socket_quiet_seconds{{{AT}}}", "{{instance}} quiet"),
                ],
                unit="s",
                about="Only with Socket Mode.",
            ),
            Graph(
                "Commands by outcome",
                [Query(_rate("cmbot_commands_total", "outcome"), "{{outcome}}")],
                unit="ops",
            ),
            Graph("Acknowledgements", [Query(_p99("cmbot_ack_seconds", "le, kind"), "{{kind}} p99")], unit="s"),
        ),
        "Receivers outside Slack": (
            Graph(
                "Alerts sent, by outcome",
                [Query(_rate("cmbot_output_deliveries_total", "receiver, outcome"), "{{receiver}} {{outcome}}")],
                unit="ops",
                about="Only with receivers in `outputs` of the settings.",
            ),
            Graph(
                "Alerts that wait for receivers",
                [Query(f"max by (receiver) (cmbot_output_depth{{{AT}}})", "{{receiver}}")],
            ),
            Graph(
                "Age of the oldest alert that waits",
                [Query(f"max by (receiver) (cmbot_output_oldest_age_seconds{{{AT}}})", "{{receiver}}")],
                unit="s",
            ),
            Graph(
                "Alerts refused for good",
                [Query(f"max by (receiver) (cmbot_output_dead{{{AT}}})", "{{receiver}}")],
            ),
        ),
        "Operations and database": (
            Graph(
                "Operations by state",
                [Query(_rate("cmbot_operations_total", "kind, state"), "{{kind}} {{state}}")],
                "ops",
            ),
            Graph(
                "Open operations",
                [Query(f"max by (kind, state) (cmbot_operations_open{{{AT}}})", "{{kind}} {{state}}")],
            ),
            Graph(
                "Transactions",
                [Query(_rate("cmbot_store_transactions_total", "access, outcome"), "{{access}} {{outcome}}")],
                unit="ops",
            ),
            Graph(
                "Problems of periodic jobs",
                [Query(_rate("cmbot_job_problems_total", "name, kind"), "{{name}} {{kind}}")],
                unit="ops",
            ),
            Graph("System clock ahead", [Query(f"cmbot_clock_ahead_seconds{{{AT}}}", "{{instance}}")], unit="s"),
        ),
    },
)
