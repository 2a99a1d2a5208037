"""A histogram and a counter for many clusters: a tenth of the memory of the library's, and their text in parts.

A thousand clusters have ten thousand combinations of labels, and a text of 10 MB.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice

from bot.telemetry.families import Family, MetricInfo, Source, escaped, text_of

_AT_ONCE = 200
"""Combinations of labels in one part of the text."""


class ManyTimes:
    """Times in seconds by the labels of `info`; `buckets` are their upper bounds, ascending."""

    def __init__(self, info: MetricInfo, buckets: Sequence[float]) -> None:
        self.info, self._buckets = info, buckets
        self._bounds = [*(f"{bound:g}" if bound % 1 else f"{bound:.1f}" for bound in buckets), "+Inf"]
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, values: tuple[str, ...], seconds: float) -> None:
        """Count one time; `values` are those of the labels."""
        counts = self._counts.get(values)
        if counts is None:
            self._sums[values] = 0.0
            counts = self._counts[values] = [0] * len(self._bounds)
        counts[bisect_left(self._buckets, seconds)] += 1
        self._sums[values] += seconds

    def text(self) -> Iterator[str]:
        """The exposition in parts; any thread may ask while times are counted."""
        yield self.info.head
        shown = iter([*self._counts])
        while part := "".join(self._lines(values) for values in islice(shown, _AT_ONCE)):
            yield part

    def _lines(self, values: tuple[str, ...]) -> str:
        labels, name = dict(zip(self.info.labels, values, strict=True)), self.info.name
        # A copy: the count must be that of the last bucket.
        counts = [*accumulate([*self._counts[values]])]
        line, _, rest = _braces(labels | {"le": "\0"}).partition("\0")
        buckets = zip(self._bounds, counts, strict=True)
        own = _braces(labels)
        return "".join(f"{name}_bucket{line}{bound}{rest} {number}.0\n" for bound, number in buckets) + (
            f"{name}_count{own} {counts[-1]}.0\n{name}_sum{own} {self._sums[values]!r}\n"
        )


class ManyCounts:
    """A counter by the labels of `info`."""

    def __init__(self, info: MetricInfo) -> None:
        self.info = info
        self._counts: dict[tuple[str, ...], float] = {}

    def add(self, values: tuple[str, ...], number: float = 1.0) -> None:
        """Count `number`; `values` are those of the labels."""
        self._counts[values] = self._counts.get(values, 0.0) + number

    def text(self) -> Iterator[str]:
        """The exposition in parts; any thread may ask while something is counted."""
        return text_of((Family(self.info, lambda counts: counts.copy().items()),), (Source((), self._counts),))


def _braces(labels: Mapping[str, str]) -> str:
    """Labels in alphabetical order, as the library writes them."""
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in sorted(labels.items())) + "}"
