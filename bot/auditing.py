"""`cmbot audit verify` and `cmbot audit export`: the chain proven, and written to a file."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bot.audit.chain import GENESIS, Broken, Head, Row, cut_off, verify
from bot.audit.export import csv_head, csv_rows, json_lines, read_lines
from bot.errors import UserError
from bot.recorder import pages, walk
from bot.store.store import Store

FORMATS = ("csv", "jsonl")
_KEEP = "Keep this number and hash somewhere else: with --head they prove later that no row is gone from the end."


def told(head: Head, broken: Broken | None, what: str) -> str:
    """What verification found, for a person."""
    if broken is not None:
        before = f"Rows 1 to {head.seq} hold." if head.seq else "No row before it holds."
        return f"{what} is BROKEN at row {broken.seq}: {broken.why}. {before}"
    if not head.seq:
        return f"{what} is empty."
    return f"{what} holds: {head.seq:,} rows, each sealed by the next.\nIt ends with {head}\n{_KEEP}"


async def verify_store(url: str, noted: Head | None) -> tuple[Head, Broken | None]:
    """Walk the chain in the database; raises ConfigError, StoreError."""
    async with Store.open(url) as store, store.read() as uow:
        return await walk(uow, noted)


def verify_file(path: Path, noted: Head | None) -> tuple[Head, Broken | None]:
    """Walk the chain in an export (JSON lines); needs neither settings nor database. Raises UserError."""
    head = GENESIS
    with _readable(path) as lines:
        for row in read_lines(lines):
            broken = verify((row,), start=head, noted=noted)
            if broken is not None:
                return head, broken
            head = row.head
    return head, cut_off(head, noted)


async def export_store(url: str, form: str, path: Path) -> Head:
    """Write the whole log as one consistent view; returns its end. Raises ConfigError, StoreError, UserError."""
    render: Callable[[Sequence[Row]], str] = csv_rows if form == "csv" else json_lines
    head = GENESIS
    with _writable(path) as out:
        out.write(csv_head() if form == "csv" else "")
        async with Store.open(url) as store, store.read() as uow:
            async for page in pages(uow):
                out.write(render(page))
                head = page[-1].head
    return head


@contextmanager
def _readable(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8") as lines:
            yield lines
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as an export in JSON lines ({type(error).__name__}).") from error


@contextmanager
def _writable(path: Path) -> Iterator[TextIO]:
    """A file for its owner only that appears under its name when it is complete."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a descriptor, not a path
            yield out
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): name another file with --out.") from error
    finally:
        unfinished.unlink(missing_ok=True)
