"""Content of the metrics page."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.telemetry.metrics import Metrics

OF_THE_PROCESS = re.compile(r"process_[a-z_]+")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def fill(metrics: Metrics) -> None:
    """Give every metric a value."""
    metrics.acked("read", 0.002)
    metrics.command("task enable", "answered")
    metrics.operation("task_switch", "verified")
    metrics.operations_open({("task_switch", "waiting"): 2})
    metrics.polled("prod", "done", 0.1, 1000.0, ["timeout", "timeout"])
    metrics.unpolled("prod", 30.0)
    metrics.job_problem("watch prod", "missed")
    metrics.load(2, 7, 1.5, reads_wait=True)
    metrics.outbox(4, 12.5, 1)
    metrics.clock(-3.0)
    metrics.cluster_call("prod", "/stat", "timeout", 5.0)
    metrics.slack_call("chat.postMessage", "rate_limited", 0.2)
    metrics.slack_rejected("SLACK_BOT_TOKEN", rejected=True)
    metrics.replicas(3, ["watch:prod", "chores"], active=True)
    metrics.replicas(3, ["chores"], active=True)
    metrics.receivers(["pager"])
    metrics.output("pager", "failed", 3)
    metrics.outputs({"pager": (2, 90.5, 1)})
    metrics.loop_lag(0.01)
    metrics.watch_store(lambda: {("write", "failed"): 3})
    metrics.watch_loop(lambda: 0.5)
    metrics.watch_socket(lambda: 0.0, lambda: 7.0)


def test_metrics_page_shows_every_value(metrics: Metrics) -> None:
    fill(metrics)
    text = metrics.exposed().decode()
    for line in (
        'cmbot_ack_seconds_count{kind="read"} 1.0',
        'cmbot_commands_total{command="task enable",outcome="answered"} 1.0',
        'cmbot_operations_total{kind="task_switch",state="verified"} 1.0',
        'cmbot_operations_open{kind="task_switch",state="waiting"} 2.0',
        'cmbot_poll_duration_seconds_count{cluster="prod",outcome="done"} 1.0',
        'cmbot_poll_last_timestamp_seconds{cluster="prod"} 1000.0',
        'cmbot_poll_host_errors_total{cluster="prod",cause="timeout"} 2.0',
        'cmbot_watch_blind_seconds{cluster="prod"} 30.0',
        'cmbot_job_problems_total{kind="missed",name="watch prod"} 1.0',
        "cmbot_polls_waiting 2.0",
        "cmbot_polls_skipped_total 7.0",
        "cmbot_poll_interval_stretch_ratio 1.5",
        "cmbot_volume_reads_wait 1.0",
        "cmbot_outbox_depth 4.0",
        "cmbot_outbox_oldest_age_seconds 12.5",
        "cmbot_outbox_dead 1.0",
        'cmbot_output_deliveries_total{outcome="failed",receiver="pager"} 3.0',
        'cmbot_output_deliveries_total{outcome="delivered",receiver="pager"} 0.0',
        'cmbot_output_depth{receiver="pager"} 2.0',
        'cmbot_output_oldest_age_seconds{receiver="pager"} 90.5',
        'cmbot_output_dead{receiver="pager"} 1.0',
        "cmbot_clock_ahead_seconds -3.0",
        'cmbot_cluster_call_duration_seconds_count{call="/stat",cluster="prod"} 1.0',
        'cmbot_cluster_calls_total{cluster="prod",call="/stat",outcome="timeout"} 1.0',
        'cmbot_slack_call_duration_seconds_count{method="chat.postMessage"} 1.0',
        'cmbot_slack_calls_total{method="chat.postMessage",outcome="rate_limited"} 1.0',
        'cmbot_slack_rejected{variable="SLACK_BOT_TOKEN"} 1.0',
        "cmbot_replicas_alive 3.0",
        "cmbot_replica_active 1.0",
        'cmbot_replica_holds{task="chores"} 1.0',
        'cmbot_replica_hold_changes_total{change="gained"} 2.0',
        'cmbot_replica_hold_changes_total{change="lost"} 1.0',
        'cmbot_store_transactions_total{access="write",outcome="failed"} 3.0',
        "cmbot_loop_lag_seconds_count 1.0",
        "cmbot_loop_longest_hold_seconds 0.5",
        "cmbot_socket_dead_seconds 0.0",
        "cmbot_socket_quiet_seconds 7.0",
    ):
        assert line in text, line
    assert 'task="watch:prod"' not in text, "a task that this replica does not hold has no series"


def test_page_is_read_as_prometheus_reads_it_and_has_what_the_table_says(metrics: Metrics) -> None:
    fill(metrics)
    families = {each.name: each for each in text_string_to_metric_families(metrics.exposed().decode())}
    infos = {info.name.removesuffix("_total"): info for info in metrics.instruments.infos}
    assert {name for name in families if not OF_THE_PROCESS.fullmatch(name)} == infos.keys()
    for name, info in infos.items():
        assert (families[name].type, families[name].documentation) == (info.kind, info.about)
        labels = {frozenset(sample.labels) - {"le"} for sample in families[name].samples}
        assert labels == {frozenset(info.labels)}, name
    assert not [name for name in families if name.endswith("_created")]


def test_two_registries_are_separate(metrics: Metrics) -> None:
    metrics.command("stat", "answered")
    assert 'command="stat"' not in Metrics().exposed().decode()


def test_gauge_of_a_cluster_follows_each_change(metrics: Metrics) -> None:
    for number in (0, 2, 2, 0):
        metrics.unpolled("prod", float(number))
        assert f'cmbot_watch_blind_seconds{{cluster="prod"}} {number:.1f}' in metrics.exposed().decode()


def test_page_of_a_thousand_clusters_is_whole(metrics: Metrics) -> None:
    """Each metric stands in it, also behind a long one."""
    fill(metrics)
    few = {family.name for family in text_string_to_metric_families(metrics.exposed().decode())}
    for number in range(1000):
        for call in ("/stat", "/disk/list", "/config/get", "/service/list"):
            metrics.cluster_call(f"cluster-{number}", call, "ok", 0.1)
    many = {family.name for family in text_string_to_metric_families(metrics.exposed().decode())}
    assert many == few
    for part in metrics.parts():
        assert part
