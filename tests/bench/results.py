"""What a run leaves: its figures with the commit as JSON, and a plot of the values that were measured at many sizes."""

import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.plot import plot

_ROOT = Path(__file__).parents[2]


def save_json(path: Path, figures: Sequence[Figure]) -> None:
    """Write the figures, the commit and the machine. Raises OSError."""
    saved = {**about(), "figures": [plain(figure) for figure in figures]}
    path.write_text(json.dumps(saved, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def save_plot(path: Path, figures: Sequence[Figure]) -> None:
    """Write one panel for each figure that has values at several sizes. Raises OSError."""
    shown = [(_title(figure.name), figure.unit, figure.by_size) for figure in figures if figure.by_size]
    path.write_text(plot(shown), "utf-8")


def _title(name: str) -> str:
    """The name of a figure without the size that it is about: the panel shows all sizes."""
    what = name.rpartition(": ")[2] if ": " in name else name.partition(",")[0]
    return f"{what}, by the number of clusters"


def plain(figure: Figure) -> dict[str, Any]:
    """A figure for JSON, with its result and verdict; a value without a bound is null."""
    values = asdict(figure) | {"result": figure.result, "reached": figure.reached}
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }


def about() -> dict[str, Any]:
    """What was measured, when and where; `changed` is true if files differ from the commit."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
    }


def _git(*arguments: str) -> str:
    """The output of git, "" where there is no repository."""
    command = ["git", "-C", str(_ROOT), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
