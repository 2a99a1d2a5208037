"""The command line in its own process, forked from one that has the program loaded: to load it takes seconds."""

import asyncio
import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.cli.main import main

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["bot.cli.commands", "bot.cli.running"])
_STREAMS = ("in", "out", "err")


async def command_line(*words: str, environment: Mapping[str, str], given: str = "") -> tuple[int, str, str]:
    """Run `cmbot` with these words, environment and standard input; its exit status and what it wrote on 1 and 2."""
    return await asyncio.to_thread(_ended, words, dict(environment), given)


def _ended(words: Sequence[str], environment: dict[str, str], given: str) -> tuple[int, str, str]:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in _STREAMS]
        for file in files:
            file.write_text("")
        files[0].write_text(given)
        process = _PROCESSES.Process(target=_run, args=(words, environment, [str(file) for file in files]))
        process.start()
        process.join()
        return process.exitcode or 0, files[1].read_text(), files[2].read_text()


def _run(words: Sequence[str], environment: Mapping[str, str], files: Sequence[str]) -> None:
    """Be the program, in the forked process."""
    os.environ.clear()
    os.environ.update(environment)
    for number, (file, flags) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(file, flags), number)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8", line_buffering=number > 0)
        for number, mode in enumerate("rww")
    )
    sys.argv = ["cmbot", *words]
    sys.exit(main(words))
