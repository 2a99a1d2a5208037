"""Write the tables of docs/metrics.md from the metrics themselves: `python -m tests.docgen.metrics`."""

from collections.abc import Iterable
from pathlib import Path

from bot.alerting.gauges import INFOS
from bot.clustermgr.call_outcome import CallOutcome
from bot.slack.measure import OUTCOMES
from bot.telemetry.families import MetricInfo
from bot.telemetry.metrics import Metrics

PAGE = Path("docs/metrics.md")
MARK = "<!-- What follows is written by `make docs` from the metrics themselves. -->"
_UNITS = {"seconds": "seconds", "bytes": "bytes", "ratio": "ratio", "entries": "entries"}
_HEAD = "| metric | type | unit | labels | series | meaning |\n|---|---|---|---|---|---|\n"


def unit_of(name: str) -> str:
    """The unit that the name of a metric ends with, "" for a plain number."""
    return _UNITS.get(name.removesuffix("_total").rpartition("_")[2], "")


def _row(info: MetricInfo) -> str:
    labels = ", ".join(f"`{label}`" for label in info.labels)
    about = info.about.replace("|", "\\|")
    return f"| `{info.name}` | {info.kind} | {unit_of(info.name)} | {labels} | {info.series} | {about} |\n"


def tables() -> str:
    """Render the tables."""
    own = Metrics().instruments.infos
    return (
        f"{MARK}\n\n## Clusters\n\nThe number of series is that of one cluster.\n\n{_table(INFOS)}"
        f"\n## cmbot itself\n\nThe number of series is that of one replica. A histogram has a series for each bucket, "
        f"and two more.\n\n{_table(own)}"
        "\nBesides, `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`, "
        "`process_open_fds`,\n`process_max_fds` and `process_start_time_seconds` of the process (on Linux).\n"
        f"\n## Outcomes\n\nOf calls to clusters (`outcome`, and `cause` without `ok`): {_words(CallOutcome)}.\n"
        f"\nOf calls to Slack: {_words(OUTCOMES)}.\n"
    )


def _table(infos: Iterable[MetricInfo]) -> str:
    return _HEAD + "".join(map(_row, infos))


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def render(written: str) -> str:
    """Render the page: its own text up to the mark, and the tables."""
    return written.partition(MARK)[0] + tables()


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
