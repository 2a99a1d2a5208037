"""`make bench`: measure every row, print a table; fails if a row fails, with --strict also if a target is missed."""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from bot.runtime.file_limit import raise_file_limit
from tests.bench import busy
from tests.bench.alerting import alerting
from tests.bench.answering import acknowledging, answering
from tests.bench.delay import delay
from tests.bench.figures import Figure, notes, table
from tests.bench.many import many_disks, many_volumes
from tests.bench.memory import memory
from tests.bench.outbox import on_postgres, on_sqlite
from tests.bench.overload import overload
from tests.bench.polling import polling
from tests.bench.replicas import replicas
from tests.bench.results import save_json, save_plot
from tests.bench.scale import scale
from tests.bench.starting import first_ack, help_text
from tests.bench.storm import storm
from tests.bench.trends import trend
from tests.bench.volumes import idle, judging, remembering

_WIDTH = 140
"""Width of the table where no terminal sets one."""


@dataclass(frozen=True, slots=True)
class Row:
    """The function that measures a row; the arguments in `quick` make it fast and its figures meaningless."""

    measure: Callable[..., Awaitable[Figure | tuple[Figure, ...]]]
    quick: Mapping[str, int] = field(default_factory=dict)


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "ack": Row(acknowledging, {"bursts": 1, "size": 5}),
        "answer": Row(answering, {"rounds": 2, "warm_up": 1}),
        "poll": Row(polling, {"polls": 4}),
        "volumes-idle": Row(idle, {"polls": 3, "disks": 100, "volumes": 50}),
        "volumes": Row(judging, {"polls": 3, "disks": 100, "volumes": 50}),
        "volumes-memory": Row(remembering, {"polls": 2, "disks": 100, "volumes": 50}),
        "alert": Row(alerting, {"rounds": 1}),
        "alert-ways": Row(
            delay, {"clusters": 1, "spread": 1, "poll": 1, "scrape": 1, "refresh": 1, "report": 1, "calm": 5}
        ),
        "memory": Row(memory, {"clusters": 2, "polls": 1}),
        "scale": Row(scale, {"clusters": 2, "seconds": 1, "interval": 1, "polled": 1}),
        "start": Row(busy.start, {"clusters": 2, "interval": 1}),
        "overload": Row(overload, {"clusters": 2, "seconds": 1, "calm": 1}),
        "stat-busy": Row(busy.answering, {"rounds": 2, "clusters": 2, "interval": 1}),
        "alert-busy": Row(busy.alerting, {"rounds": 1, "clusters": 2, "interval": 1}),
        "trend": Row(trend, {"clusters": 2, "days": 91, "rounds": 1}),
        "help": Row(help_text, {"rounds": 1}),
        "many-disks": Row(many_disks, {"disks": 300, "broken": 5, "rounds": 1, "warm_up": 1, "calm": 1}),
        "many-volumes": Row(many_volumes, {"disks": 100, "volumes": 50, "rounds": 1, "warm_up": 1, "calm": 1}),
        "outbox": Row(on_sqlite, {"messages": 4, "rounds": 1}),
        "outbox-postgres": Row(on_postgres, {"messages": 4, "rounds": 1}),
        "replicas": Row(replicas, {"probe": 3, "most": 6, "poll": 1, "lease": 1, "settle": 1, "measured": 1}),
        "storm": Row(storm, {"clusters": 3, "channels": 1, "poll": 1, "calm": 1}),
        "first-ack": Row(first_ack, {"clusters": 2, "rounds": 1}),
    }
)


async def measure(names: Sequence[str], console: Console, *, quick: bool) -> tuple[list[Figure], list[str]]:
    """Measure the rows of these names, one after the other; also returns the names of rows that failed."""
    figures: list[Figure] = []
    failed: list[str] = []
    for name in names:
        console.print(f"measuring: {name}", style="dim")
        row = ROWS[name]
        with tempfile.TemporaryDirectory(prefix="cmbot-bench-") as folder:
            try:
                found = await row.measure(Path(folder), **(row.quick if quick else {}))
            except Exception:  # noqa: BLE001 - hours of other rows must not be lost with this one
                console.print_exception()
                failed.append(name)
            else:
                figures.extend([found] if isinstance(found, Figure) else found)
    return figures, failed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rows that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"which ({', '.join(ROWS)}); all when none is named")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 when a target is missed")
    parser.add_argument("--quick", action="store_true", help="too few samples to tell anything, but all of the way")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures with the commit")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what was measured at many sizes, as SVG")
    args = parser.parse_args(argv)
    unknown = sorted(set(args.rows) - set(ROWS))
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}")
    raise_file_limit()
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    figures, failed = asyncio.run(measure(args.rows or tuple(ROWS), console, quick=args.quick))
    console.print(table(figures))
    for note in notes(figures):
        console.print(note, highlight=False)
    if args.json:
        save_json(args.json, figures)
    if args.plot:
        save_plot(args.plot, figures)
    for name in failed:
        console.print(f"failed: {name} (see above)")
    return 1 if failed or (args.strict and not all(figure.reached for figure in figures)) else 0


if __name__ == "__main__":
    # As at Ctrl+C, the programs that a row has started end with it: one that is left goes on to ask ports of others.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
