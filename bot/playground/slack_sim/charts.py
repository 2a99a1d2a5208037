"""Charts (`data_visualization`): line, bar, area and pie, with their limits; where sources disagree, the stricter."""

from typing import Any

from bot.playground.slack_sim.shapes import Findings, array, by_type, number, shape, string

MOST_CHARTS = 2
"""How many charts a message may hold."""


def counted(_value: Any, _path: str, found: Findings) -> None:
    """Count the charts of a message."""
    found.add("charts", 1)


def _labels(series: Any) -> list[Any]:
    data = series.get("data") if isinstance(series, dict) else None
    return [point.get("label") if isinstance(point, dict) else None for point in data] if isinstance(data, list) else []


def _points_meet_categories(value: Any, path: str, found: Findings) -> None:
    axis, held = value.get("axis_config"), value.get("series")
    categories = axis.get("categories") if isinstance(axis, dict) else None
    every = held if isinstance(held, list) else []
    for index, series in enumerate(every):
        if _labels(series) != categories:
            found.wrong(f"{path}/series/{index}", "every series needs one point for each category, in order")
    names = [str(series.get("name")) for series in every if isinstance(series, dict)]
    if len(set(names)) != len(names):
        found.wrong(f"{path}/series", "series names must be unique")


_POINT = shape({"label": string(20), "value": number()}, ("label", "value"))
_SERIES = shape({"name": string(20), "data": array(_POINT, 20)}, ("name", "data"))
_AXIS = shape({"categories": array(string(20), 20), "x_label": string(50), "y_label": string(50)}, ("categories",))


_AXIS_CHART = shape(
    {"series": array(_SERIES, 6), "axis_config": _AXIS}, ("series", "axis_config"), (_points_meet_categories,)
)
_SEGMENT = shape({"label": string(20), "value": number(1e-300)}, ("label", "value"))
CHART = by_type(
    {
        "line": _AXIS_CHART,
        "bar": _AXIS_CHART,
        "area": _AXIS_CHART,
        "pie": shape({"segments": array(_SEGMENT, 6)}, ("segments",)),
    },
    "chart",
)
