"""A histogram with many label values in little memory.

The library keeps an object with a lock for each bucket of each label value: 20 kB for the calls to one cluster. This
one keeps numbers, and makes the library's samples at a scrape.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class CompactHistogram(Collector):
    """A histogram of seconds named `name`; one thread observes. `buckets` are upper bounds, in order."""

    def __init__(
        self, name: str, about: str, labels: Sequence[str], *, registry: CollectorRegistry, buckets: Sequence[float]
    ) -> None:
        self._name, self._about, self._labels, self._buckets = name, about, tuple(labels), tuple(buckets)
        self._counts: dict[tuple[str, ...], array[float]] = {}
        """The count of each bucket, of what is above them, and the sum, by label values."""
        registry.register(self)

    def observe(self, values: tuple[str, ...], seconds: float) -> None:
        """Count one observation under these label values."""
        counts = self._counts.get(values)
        if counts is None:
            counts = self._counts[values] = array("d", bytes(8 * (len(self._buckets) + 2)))
        counts[bisect_left(self._buckets, seconds)] += 1
        counts[-1] += seconds

    def describe(self) -> Iterator[Metric]:
        """The name, without samples: the registry refuses a second one of that name."""
        yield HistogramMetricFamily(self._name, self._about, labels=self._labels)

    def collect(self) -> Iterator[Metric]:
        """The samples of a scrape."""
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        bounds = [*map(floatToGoString, self._buckets), "+Inf"]
        for values, counts in self._counts.items():
            total, buckets = 0.0, []
            for bound, count in zip(bounds, counts, strict=False):
                total += count
                buckets.append((bound, total))
            family.add_metric(values, buckets, counts[-1])
        yield family
