"""`make fuzz`: coverage-guided fuzzing of every target in turn, each in a separate process.

Usage: python -m tests.fuzz [--minutes 10] [--corpus DIR] [TARGET ...]. A crash or a stall ends with status 1 and names
the input's file; `python -m tests.fuzz --replay FILE TARGET` runs that input once.
"""

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.fuzz.watchdog import timed


def fuzz(name: str, corpus: Path, seconds: int) -> None:
    """Fuzz one target in this process until the time is over; never returns."""
    import atheris  # noqa: PLC0415 - an extra: only `make fuzz` has it

    # Coverage of the program and of what parses for it in Python; the whole library takes minutes to instrument.
    with atheris.instrument_imports(include=["bot", "yaml"]):
        from tests.fuzz.targets import MAX_INPUT, TARGETS  # noqa: PLC0415
    target = next(target for target in TARGETS if target.name == name)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_INPUT}",
        "-timeout=10",
        f"-artifact_prefix={corpus.parent}/{name}-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], partial(timed, target.check))
    atheris.Fuzz()


def main() -> int:
    """Run the chosen targets; the status is 1 when one of them failed."""
    options = _options()
    root = options.corpus or Path(tempfile.mkdtemp(prefix="cmbot-fuzz-"))
    if options.here:
        fuzz(options.here, root / options.here, round(options.minutes * 60))
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - imported under instrumentation where it is fuzzed

    unknown = set(options.targets) - {target.name for target in TARGETS}
    if unknown:
        sys.stderr.write(f"no target {sorted(unknown)}; targets: {[target.name for target in TARGETS]}\n")
        return 2
    chosen = [target for target in TARGETS if not options.targets or target.name in options.targets]
    if options.replay:
        for target in chosen:
            timed(target.check, options.replay.read_bytes())
        return 0
    failed = [target.name for target in chosen if not _passes(target.name, root, options.minutes)]
    sys.stdout.write(f"{len(chosen) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}; inputs: {root}\n")
    return 1 if failed else 0


def _passes(name: str, root: Path, minutes: float) -> bool:
    (root / name).mkdir(parents=True, exist_ok=True)
    arguments = ["--here", name, "--minutes", str(minutes), "--corpus", str(root)]
    return subprocess.run([sys.executable, "-m", "tests.fuzz", *arguments], check=False).returncode == 0  # noqa: S603


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target")
    parser.add_argument("--corpus", type=Path, help="where inputs are kept (default: a new temporary folder)")
    parser.add_argument("--replay", type=Path, help="run one input and end")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
