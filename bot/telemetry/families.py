"""Families of metrics whose values are read at a scrape, and their text in parts.

The format is Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/): all series of a
family stand together, so the text is made family by family and not cluster by cluster.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from bot.common.frozen import frozen

T = TypeVar("T")
Sample = tuple[tuple[str, ...], float]
"""The values of the labels behind the leading ones, and the value of the series."""

PART = 200_000
"""Characters from which on a part of the text ends."""
_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@frozen
class MetricInfo:
    """A metric as `/metrics` and the manual name it: `kind` is its type there, `series` says how many there are."""

    name: str
    kind: str
    about: str
    labels: tuple[str, ...] = ()
    series: str = "1"

    @property
    def head(self) -> str:
        """The two lines before its series."""
        about = self.about.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {self.name} {about}\n# TYPE {self.name} {self.kind}\n"


@frozen
class Family(Generic[T]):
    """A metric that is read from a T: `read` returns its series; no two of them may have the same labels."""

    info: MetricInfo
    read: Callable[[T], Iterable[Sample]]


@frozen
class Source(Generic[T]):
    """A T to read families from, and the values of the leading labels of its series."""

    labels: tuple[str, ...]
    of: T


def text_of(families: Iterable[Family[T]], sources: Sequence[Source[T]]) -> Iterator[str]:
    """The exposition in parts, none of them empty; any thread may ask, because nothing is kept between two series."""
    for family in families:
        part, size = [family.info.head], 0
        for source in sources:
            for labels, value in [*family.read(source.of)]:
                text = label_text(family.info.labels, (*source.labels, *labels))
                line = f"{family.info.name}{text} {float(value)!r}\n"
                part.append(line)
                size += len(line)
                if size > PART:
                    yield "".join(part)
                    part, size = [], 0
        if part:
            yield "".join(part)


def label_text(names: Sequence[str], values: Sequence[str]) -> str:
    """The labels as they stand behind the name of a series, "" if there are none."""
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in pairs) + "}"


def escaped(value: str) -> str:
    """The value of a label between quotation marks."""
    return value.translate(_ESCAPED)
