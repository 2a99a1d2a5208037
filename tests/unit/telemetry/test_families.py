"""Families that are read at a scrape: their text is Prometheus's, family by family, in parts."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from bot.telemetry.families import PART, Family, MetricInfo, Source, text_of

SIZE: Family[Mapping[str, float]] = Family(
    MetricInfo("cmbot_size_bytes", "gauge", "Size: \\ and\na line.", ("cluster", "zone")),
    lambda sizes: [((zone,), size) for zone, size in sizes.items()],
)
NUMBER: Family[Mapping[str, float]] = Family(
    MetricInfo("cmbot_zones", "gauge", "Zones.", ("cluster",)), lambda sizes: [((), len(sizes))]
)

BOTH = (SIZE, NUMBER)


def test_labels_of_any_text_are_read_back_as_they_were() -> None:
    odd = {'say "x"': 1.0, "a\\b": 2.5, "two\nlines": 0.0, "": 3.0}
    sources: list[Source[Mapping[str, float]]] = [Source(("prod",), odd)]
    [family, number] = text_string_to_metric_families("".join(text_of(BOTH, sources)))
    assert family.documentation == "Size: \\ and\na line."
    assert {sample.labels["zone"]: sample.value for sample in family.samples} == odd
    assert [(sample.labels, sample.value) for sample in number.samples] == [({"cluster": "prod"}, 4.0)]


def test_series_of_a_family_stand_together_in_bounded_parts() -> None:
    sources: list[Source[Mapping[str, float]]] = [
        Source((f"c{number}",), {f"z{zone}": 1.0 for zone in range(20)}) for number in range(1000)
    ]
    parts = [*text_of(BOTH, sources)]
    assert max(map(len, parts)) < 2 * PART
    text = "".join(parts)
    assert text.count("# TYPE") == 2
    assert text.index("cmbot_zones{") > text.rindex("cmbot_size_bytes{")


def test_long_family_of_one_source_ends_nothing() -> None:
    """Its last series fills a part: no empty part may follow, which would end the page."""
    width = len(f'cmbot_size_bytes{{cluster="c",zone="z{0:05}"}} 1.0\n')
    head = len(SIZE.info.head)
    for number in (PART // width, (PART - head) // width + 1, 5 * PART // width):
        long: Source[Mapping[str, float]] = Source(("c",), {f"z{zone:05}": 1.0 for zone in range(number)})
        parts = [*text_of(BOTH, [long])]
        assert all(parts)
        assert max(map(len, parts)) < 2 * PART
        assert "".join(parts).endswith(f'cmbot_zones{{cluster="c"}} {float(number)}\n')
