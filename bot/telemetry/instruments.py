"""Makes the metrics of a process in a registry of their own, and keeps what the manual says of each."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from bot.telemetry.families import Family, MetricInfo, Sample, Source, text_of
from bot.telemetry.histogram import ManyCounts, ManyTimes
from bot.telemetry.process_metrics import ProcessMetrics

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


class Instruments:
    """A registry; each method makes one metric, whose `series` says for the manual how many series it has.

    The metrics of the process are read below `proc`.
    """

    def __init__(self, *, proc: str = "/proc") -> None:
        # The times at which the library began to count would be a gauge beside each counter and histogram.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library does not annotate it
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessMetrics(proc=proc, registry=self.registry)
        self.infos: list[MetricInfo] = []
        self._texts: list[Callable[[], Iterator[str]]] = []

    def counter(self, name: str, about: str, labels: Sequence[str] = (), *, series: str = "1") -> Counter:
        """A counter; its `name` ends with `_total`."""
        self._known(name, COUNTER, about, labels, series)
        return Counter(name, about, labels, registry=self.registry)

    def gauge(self, name: str, about: str, labels: Sequence[str] = (), *, series: str = "1") -> Gauge:
        """A gauge."""
        self._known(name, GAUGE, about, labels, series)
        return Gauge(name, about, labels, registry=self.registry)

    def histogram(
        self, name: str, about: str, labels: Sequence[str] = (), *, buckets: Sequence[float], series: str = "1"
    ) -> Histogram:
        """A histogram of seconds; `series` counts the combinations of its labels."""
        self._known(name, HISTOGRAM, about, labels, _of_buckets(series, buckets))
        return Histogram(name, about, labels, registry=self.registry, buckets=buckets)

    def many_times(
        self, name: str, about: str, labels: Sequence[str], *, buckets: Sequence[float], series: str
    ) -> ManyTimes:
        """A histogram of seconds for many combinations of labels."""
        made = ManyTimes(self._known(name, HISTOGRAM, about, labels, _of_buckets(series, buckets)), buckets)
        self._texts.append(made.text)
        return made

    def many_counts(self, name: str, about: str, labels: Sequence[str], *, series: str) -> ManyCounts:
        """A counter for many combinations of labels."""
        made = ManyCounts(self._known(name, COUNTER, about, labels, series))
        self._texts.append(made.text)
        return made

    def read(
        self,
        name: str,
        kind: str,
        about: str,
        labels: Sequence[str],
        samples: Callable[[], Iterable[Sample]],
        *,
        series: str = "1",
    ) -> None:
        """A metric of this kind that is read at each scrape, in another thread."""
        family: Family[Callable[[], Iterable[Sample]]] = Family(
            self._known(name, kind, about, labels, series), lambda read: read()
        )
        self._texts.append(lambda: text_of((family,), (Source((), samples),)))

    def text(self) -> Iterator[str]:
        """The exposition of all of them in parts; any thread may ask."""
        yield generate_latest(self.registry).decode()
        for text in self._texts:
            yield from text()

    def _known(self, name: str, kind: str, about: str, labels: Sequence[str], series: str) -> MetricInfo:
        info = MetricInfo(name, kind, about, tuple(labels), series)
        self.infos.append(info)
        return info


def _of_buckets(combinations: str, buckets: Sequence[float]) -> str:
    each = len(buckets) + 3
    return str(each) if combinations == "1" else f"{combinations} x {each}"
