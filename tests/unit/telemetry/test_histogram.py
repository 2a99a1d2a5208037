"""The histogram and the counter for many clusters write what the library's would write."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.telemetry.families import MetricInfo
from bot.telemetry.histogram import ManyCounts, ManyTimes

BUCKETS = (0.001, 0.05, 0.5, 1.0, 2.5, 10.0)
VALUES = st.sampled_from(["prod", "a\\b", 'say "x"', "two\nlines", "/stat", "ok", ""])
TIMES = st.one_of(st.sampled_from([0.0, *BUCKETS]), st.floats(0, 60, allow_nan=False))


@given(st.lists(st.tuples(VALUES, VALUES, TIMES), max_size=30))
def test_many_times_reads_like_the_histogram_of_the_library(observed: list[tuple[str, str, float]]) -> None:
    registry = CollectorRegistry()
    other = Histogram("cmbot_seconds", "Calls.", ["zone", "call"], registry=registry, buckets=BUCKETS)
    ours = ManyTimes(MetricInfo("cmbot_seconds", "histogram", "Calls.", ("zone", "call")), BUCKETS)
    for zone, call, seconds in observed:
        other.labels(zone, call).observe(seconds)
        ours.observe((zone, call), seconds)
    [wanted] = [each for each in text_string_to_metric_families(generate_latest(registry).decode()) if not _made(each)]
    [found] = text_string_to_metric_families("".join(ours.text()))
    assert (found.name, found.type, found.documentation) == (wanted.name, wanted.type, wanted.documentation)
    assert found.samples == wanted.samples


def _made(family: object) -> bool:
    """True for the times at which the library began to count, which are gauges."""
    return getattr(family, "name", "").endswith("_created")


@given(st.lists(st.tuples(VALUES, VALUES), max_size=30))
def test_many_counts_reads_like_the_counter_of_the_library(counted: list[tuple[str, str]]) -> None:
    registry = CollectorRegistry()
    other = Counter("cmbot_calls_total", "Calls.", ["zone", "call"], registry=registry)
    ours = ManyCounts(MetricInfo("cmbot_calls_total", "counter", "Calls.", ("zone", "call")))
    for zone, call in counted:
        other.labels(zone, call).inc()
        ours.add((zone, call))
    [wanted] = [each for each in text_string_to_metric_families(generate_latest(registry).decode()) if not _made(each)]
    [found] = text_string_to_metric_families("".join(ours.text()))
    assert (found.name, found.type, found.documentation) == (wanted.name, wanted.type, wanted.documentation)
    assert found.samples == wanted.samples


def test_text_of_many_combinations_comes_in_parts() -> None:
    times = ManyTimes(MetricInfo("cmbot_seconds", "histogram", "Calls.", ("cluster",)), BUCKETS)
    for number in range(1000):
        times.observe((f"c{number}",), 0.01)
    parts = [*times.text()]
    assert len(parts) > 5
    assert max(map(len, parts)) < 200_000
    assert "".join(parts).count("_count{") == 1000
