"""Charts: Slack's chart block within its limits, and the same figures as text. No I/O."""

import math
from collections.abc import Sequence
from itertools import count

from slackblocks import AxisConfig, DataPoint, DataSeries, DataVisualizationBlock, LineChart
from slackblocks import Message as Envelope

from bot.common.frozen import frozen
from bot.interactions.message import BlockJson
from bot.views import tables
from bot.views.text import clip, plain

KIND = "data_visualization"
MAX_SERIES = 6
MAX_POINTS = 20
MAX_LABEL = 20
MAX_TITLE = 50


@frozen
class Series:
    """One line of a chart: a name, and a value for each category, finite."""

    name: str
    values: tuple[float, ...]


def line_chart(
    title: str, categories: Sequence[str], series: Sequence[Series], *, x_label: str = "", y_label: str = ""
) -> BlockJson:
    """A line chart; the first six series are shown, and all text is cut to Slack's limits.

    Raises ValueError for no series, over 20 categories, or values that are not one finite number for each category.
    """
    shown = series[:MAX_SERIES]
    if not shown or not 0 < len(categories) <= MAX_POINTS:
        raise ValueError(f"a chart has 1 to {MAX_POINTS} points, not {len(categories)}, and at least one series")
    if any(len(each.values) != len(categories) or not all(map(math.isfinite, each.values)) for each in shown):
        raise ValueError("each series of a chart has one finite number for each category")
    labels, names = _distinct(categories), _distinct([each.name for each in shown])
    lines = [
        DataSeries(name, [DataPoint(label, value) for label, value in zip(labels, each.values, strict=True)])
        for name, each in zip(names, shown, strict=True)
    ]
    axis = AxisConfig(labels, clip(plain(x_label), 50) or None, clip(plain(y_label), 50) or None)
    block = DataVisualizationBlock(clip(plain(title), MAX_TITLE) or " ", LineChart(lines, axis))
    [rendered] = Envelope(channel="-", blocks=[block]).to_dict()["blocks"]
    return {key: value for key, value in rendered.items() if key != "block_id"}


def _distinct(names: Sequence[str]) -> list[str]:
    """Each name cut to a label, numbered where another is the same already."""
    taken: list[str] = []
    for name in names:
        label = clip(plain(name), MAX_LABEL) or "-"
        numbered = (f"{clip(label, MAX_LABEL - 5)} ({number})" for number in count(2))
        taken.append(label if label not in taken else next(each for each in numbered if each not in taken))
    return taken


def twin(block: BlockJson) -> str:
    """The figures of a chart in a sentence for each line, for those who do not see it; plain text."""
    unit = block["chart"]["axis_config"].get("y_label", "")
    lines = "; ".join(_course(series) for series in block["chart"]["series"])
    return f"{block['title']}{f' ({unit})' if unit else ''}: {lines}."


def _course(series: BlockJson) -> str:
    values = [point["value"] for point in series["data"]]
    change = round(values[-1] - values[0], 2)
    return (
        f"{series['name']} first {values[0]:,g}, lowest {min(values):,g}, highest {max(values):,g}, "
        f"last {values[-1]:,g}, change {f'{change:+,g}' if change else '0'}"
    )


def as_text(block: BlockJson) -> str:
    """A chart as aligned columns of figures below its title."""
    chart = block["chart"]
    rows = [
        (label, *(f"{each['data'][place]['value']:,g}" for each in chart["series"]))
        for place, label in enumerate(chart["axis_config"]["categories"])
    ]
    header = (chart["axis_config"].get("x_label", " "), *(each["name"] for each in chart["series"]))
    right = range(1, len(header))
    unit = chart["axis_config"].get("y_label", "")
    shown = tables.as_text(tables.table(rows, header=header, right=right))
    return f"{block['title']}{f' ({unit})' if unit else ''}\n{shown}"
