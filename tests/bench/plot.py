"""A plot of cost against size as SVG: one panel for each value, sizes on a logarithmic axis. No I/O."""

import math
from collections.abc import Sequence
from html import escape

Panel = tuple[str, str, Sequence[tuple[int, float]]]
"""Name, unit, and the value at each size."""

WIDTH, HEIGHT = 720, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 30, 40, 30
_STYLE = (
    "text{font:12px sans-serif;fill:#333}.name{font-weight:bold}.axis{stroke:#999}"
    ".line{fill:none;stroke:#1f6feb;stroke-width:2}.dot{fill:#1f6feb}"
)


def plot(panels: Sequence[Panel]) -> str:
    """The SVG; the axis of the values begins at 0."""
    shown = [_panel(panel, number * HEIGHT) for number, panel in enumerate(panels)]
    height = max(1, len(panels)) * HEIGHT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    background = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", background, *shown, "</svg>", ""])


def _panel(panel: Panel, top: int) -> str:
    name, unit, values = panel
    finite = [(size, value) for size, value in values if math.isfinite(value)]
    first, last = min(size for size, _ in values), max(size for size, _ in values)
    most = nice(max((value for _, value in finite), default=0.0))
    low, high = top + HEIGHT - _BOTTOM, top + _TOP

    def across(size: int) -> float:
        span = math.log(last / first) or 1.0
        return _LEFT + math.log(size / first) / span * (WIDTH - _LEFT - _RIGHT)

    def up(value: float) -> float:
        return low - value / most * (low - high)

    parts = [
        f'<text class="name" x="{_LEFT}" y="{top + 18}">{escape(name)}</text>',
        f'<path class="axis" fill="none" d="M{_LEFT} {high}V{low}H{WIDTH - _RIGHT}"/>',
        *(_label(_LEFT - 8, up(value) + 4, f"{value:g} {unit}", "end") for value in (0.0, most / 2, most)),
        *(_label(across(size), low + 18, f"{size:,}", "middle") for size, _ in values),
        f'<polyline class="line" points="{" ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in finite)}"/>',
        *(f'<circle class="dot" cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5"/>' for x, y in finite),
        *(_label(across(x) + 6 * (x == first), up(y) - 8, f"{y:.3g}", _side(x, first, last)) for x, y in finite),
    ]
    return "\n".join(parts)


def _side(size: int, first: int, last: int) -> str:
    """On which side of its point a label begins: within the panel."""
    return "start" if size == first else "end" if size == last else "middle"


def nice(value: float) -> float:
    """The end of an axis for values up to `value`: 1, 2, 4, 5, 6, 8 or 10 times a power of ten, with some room."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value * 1.1))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value * 1.1)


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
