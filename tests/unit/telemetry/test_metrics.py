"""Content of the metrics page."""

import pytest

from bot.telemetry.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_metrics_page_shows_every_value(metrics: Metrics) -> None:
    metrics.acked("read", 0.002)
    metrics.command("task enable", "answered")
    metrics.tick("prod", "ok", 0.1, at=1000.0)
    metrics.alerts_open("prod", 3)
    metrics.outbox(4, 12.5, 1)
    metrics.cluster_call("prod", "stat", "ClusterTimeout", 5.0)
    metrics.watch_socket(lambda: 0.0, lambda: 7.0)
    text = metrics.exposed().decode()
    for line in (
        'cmbot_ack_seconds_count{kind="read"} 1.0',
        'cmbot_commands_total{command="task enable",outcome="answered"} 1.0',
        'cmbot_tick_seconds_count{cluster="prod",outcome="ok"} 1.0',
        'cmbot_last_tick_time{cluster="prod"} 1000.0',
        'cmbot_alerts_open{cluster="prod"} 3.0',
        "cmbot_outbox_depth 4.0",
        "cmbot_outbox_oldest_seconds 12.5",
        "cmbot_outbox_dead 1.0",
        'cmbot_cluster_call_seconds_count{call="stat",cluster="prod",outcome="ClusterTimeout"} 1.0',
        "cmbot_socket_dead_seconds 0.0",
        "cmbot_socket_quiet_seconds 7.0",
    ):
        assert line in text


def test_two_registries_are_separate(metrics: Metrics) -> None:
    metrics.command("stat", "answered")
    assert 'command="stat"' not in Metrics().exposed().decode()


def test_gauges_of_a_cluster_follow_each_change(metrics: Metrics) -> None:
    for number in (0, 2, 2, 0):
        metrics.alerts_open("prod", number)
        metrics.unpolled("prod", float(number))
        text = metrics.exposed().decode()
        assert f'cmbot_alerts_open{{cluster="prod"}} {number:.1f}' in text
        assert f'cmbot_watch_blind_seconds{{cluster="prod"}} {number:.1f}' in text
