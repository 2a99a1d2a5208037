"""Which clusters a replica exports: those that it polls, while their data are current."""

from types import SimpleNamespace
from typing import Any, cast

from prometheus_client.parser import text_string_to_metric_families

from bot.alerting.cluster_state.state import ClusterNote, ClusterState, update
from bot.clustermgr.models import Snapshot
from bot.runtime.cluster_gauges import gauges
from bot.runtime.parts import App
from tests.support.watch_builders import polled

MAX_AGE = 180.0


def app_of(*held: str, now: float, latest: Snapshot | None, clusters: tuple[str, ...] = ("prod", "test")) -> App:
    """A replica that holds these clusters; each was polled last at 100."""
    snapshot = polled(100)
    note = ClusterNote(100.0, "healthy", "", 1, "", 5, 3, update(ClusterState(), snapshot))
    watch = SimpleNamespace(latest=latest, previous=None, alerts=(), watched=SimpleNamespace(rules=(), interval=20.0))
    parts: Any = SimpleNamespace(
        clock=lambda: now,
        clusters=dict.fromkeys(clusters),
        membership=SimpleNamespace(hold=lambda task: object() if task.partition(":")[2] in held else None),
        watches=dict.fromkeys(clusters, watch),
        cluster_notes=dict.fromkeys(clusters, note),
        status_reporter=SimpleNamespace(max_age=dict.fromkeys(clusters, MAX_AGE)),
    )
    return cast("App", parts)


def clusters_with(app: App) -> dict[str, set[str]]:
    """The clusters that have each metric."""
    families = text_string_to_metric_families("".join(gauges(app)))
    return {each.name: {sample.labels["cluster"] for sample in each.samples} for each in families}


def test_replica_exports_the_clusters_that_it_polls() -> None:
    shown = clusters_with(app_of("prod", now=110.0, latest=polled(100)))
    for name in ("cmbot_cluster_configured", "cmbot_cluster_poll_interval_seconds"):
        assert shown[name] == {"prod", "test"}, name
    for name in ("cmbot_cluster_up", "cmbot_cluster_data_age_seconds", "cmbot_cluster_status", "cmbot_cluster_alerts"):
        assert shown[name] == {"prod"}, name


def test_old_data_leave_only_their_age() -> None:
    app = app_of("prod", now=100.0 + MAX_AGE + 1, latest=polled(100))
    shown = {name for name, clusters in clusters_with(app).items() if "prod" in clusters}
    assert shown == {
        f"cmbot_cluster_{name}" for name in ("configured", "poll_interval_seconds", "up", "data_age_seconds")
    }
    text = "".join(gauges(app))
    assert 'cmbot_cluster_up{cluster="prod"} 0.0' in text
    assert 'cmbot_cluster_poll_interval_seconds{cluster="prod"} 20.0' in text
    assert f'cmbot_cluster_data_age_seconds{{cluster="prod"}} {MAX_AGE + 1}' in text


def test_cluster_that_this_process_did_not_poll_yet_has_no_gauges() -> None:
    """After a start the stored state is known, but no answer."""
    assert clusters_with(app_of("prod", now=110.0, latest=None))["cmbot_cluster_status"] == set()


def test_text_of_a_thousand_clusters_comes_in_parts() -> None:
    names = tuple(f"c{number}" for number in range(1000))
    parts = [*gauges(app_of(*names, now=110.0, latest=polled(100), clusters=names))]
    assert max(map(len, parts)) < 1_000_000
    assert sum(map(len, parts)) > 3_000_000
