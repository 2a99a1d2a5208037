"""The compact histogram exposes what the library's histogram does."""

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from bot.telemetry.compact_histogram import CompactHistogram
from tests.support.budget import examples

BUCKETS = (0.001, 0.05, 1.0, 15.0)
SECONDS = st.one_of(st.sampled_from((0.0, *BUCKETS, 99.0)), st.floats(0, 20))
OBSERVED = st.lists(st.tuples(st.sampled_from(("prod", 'a"b\\c\n')), st.sampled_from(("ok", "502")), SECONDS))


def exposed(registry: CollectorRegistry) -> list[str]:
    """Without the times at which the library's children were made."""
    return sorted(line for line in generate_latest(registry).decode().splitlines() if "_created" not in line)


@settings(max_examples=examples(50), deadline=None)
@given(OBSERVED)
def test_exposition_is_that_of_the_library(observed: list[tuple[str, str, float]]) -> None:
    ours, theirs = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    compact = CompactHistogram("call_seconds", "Calls.", ("cluster", "outcome"), registry=ours, buckets=BUCKETS)
    plain = Histogram("call_seconds", "Calls.", ("cluster", "outcome"), registry=theirs, buckets=BUCKETS)
    for cluster, outcome, seconds in observed:
        compact.observe((cluster, outcome), seconds)
        plain.labels(cluster, outcome).observe(seconds)
    assert exposed(ours) == exposed(theirs)
