"""`cmbot export` and `cmbot import`: move the whole database as JSON lines.

The first line is the header: the kind of file, the revision of the schema, the time, the number of rows of each table
and the last id that each counting table assigned. Each further line is one row: its table and its columns.
"""

import json
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.audit.chain import BrokenChain, Head
from bot.chatops.audit_log import walk
from bot.cli.audit import verdict_text
from bot.cli.files import readable, writable
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.operations.policy import PolicyMode
from bot.store import migrate
from bot.store.column_types import encode
from bot.store.database import Store
from bot.store.dump import OLDEST_REVISION, PAGE, TABLES, tables_of
from bot.store.unit_of_work import UnitOfWork

NOTHING = "Nothing was imported."

Number = Annotated[int, Field(ge=0)]
Lines = Iterator[tuple[int, str]]
"""The rest of the file: numbered lines."""


class Header(BaseModel):
    """The first line: `counts` are rows by table, `numbers` the last ids assigned by table, `at` Unix seconds.

    `policies` are the default policies with which the installation began; exports before revision 0013 lack them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    what: Literal["cmbot export"] = "cmbot export"
    revision: str
    at: float
    counts: Mapping[str, Number]
    numbers: Mapping[str, Number]
    policies: Literal["strict", "loose"] = "loose"


class ExportLine(BaseModel):
    """One row of one table."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    table: str
    row: Mapping[str, Any]


@frozen
class Moved:
    """The rows that were written or read, by table, and how far the audit log is intact."""

    counts: Mapping[str, int]
    head: Head
    broken: BrokenChain | None

    def text(self, verb: str, where: object) -> str:
        """Return the numbers and the state of the audit log as people read them."""
        rows = sum(self.counts.values())
        tables = ", ".join(f"{name} {number:,}" for name, number in sorted(self.counts.items()) if number)
        verdict = verdict_text(self.head, self.broken, "The audit log")
        return f"{verb} {where}: {rows:,} rows ({tables or 'none'}).\n{verdict}"


async def export_state(url: str, path: Path, *, replace: bool = False) -> Moved:
    """Write everything as one consistent view; a bot may run at the same time.

    The file appears only when it is complete, and replaces another only with `replace`. Raise ConfigError, StoreError,
    UserError.
    """
    with writable(path, replace=replace) as out:
        async with Store.existing(url) as store, store.read() as uow:
            counts, numbers = await uow.dump.counts(), await uow.dump.numbers()
            header = Header(
                revision=migrate.newest(),
                at=time.time(),
                counts=counts,
                numbers=numbers,
                policies=(await uow.facts.policies()).value,
            )
            out.write(encode(header.model_dump()) + "\n")
            for name in TABLES:
                async for rows in uow.dump.pages(name):
                    out.writelines(encode({"table": name, "row": row}) + "\n" for row in rows)
            return Moved(counts, *await walk(uow))


async def import_state(url: str, path: Path) -> Moved:
    """Fill an empty database with an export: all rows or none.

    The rows of an older export go into the schema of their revision, which is then migrated. Raise ConfigError,
    StoreError, UserError (also for a database that is not empty).
    """
    with readable(path, "an export of cmbot") as file:
        lines = enumerate(file, start=1)
        header = _header(path, next(lines, (1, ""))[1])
        async with Store.open(url) as store:
            await store.migrate(header.revision)
            async with store.begin() as uow:
                await _fill(uow, path, header, lines)
                moved = Moved(header.counts, *await walk(uow))
            await store.migrate()
            async with store.begin() as uow:
                # The installation goes on, and is not a new one.
                await uow.facts.put_policies(PolicyMode(header.policies), time.time())
            return moved


async def _fill(uow: UnitOfWork, path: Path, header: Header, lines: Lines) -> None:
    tables = tables_of(header.revision)
    await uow.dump.lock(tables)
    _refuse_full(await uow.dump.counts(tables))
    found: Counter[str] = Counter()
    for name, numbered in _blocks(path, lines, tables):
        try:
            await uow.dump.put(name, [row for _, row in numbered], header.revision)
        except ValueError as error:
            raise UserError(f"{path}, lines {numbered[0][0]} to {numbered[-1][0]}: {error}. {NOTHING}") from error
        found[name] += len(numbered)
    if found != Counter(header.counts):
        raise UserError(f"{path} is not complete: its numbers of rows differ from those in its header. {NOTHING}")
    await uow.dump.count_on(header.numbers, tables)


def _refuse_full(counts: Mapping[str, int]) -> None:
    full = [name for name, number in counts.items() if number]
    if full:
        raise UserError(
            f"The database is not empty (it has rows in {', '.join(full)}), and an import needs an empty one: "
            f"name a new database in store.url (CMBOT_STORE_URL). {NOTHING}"
        )


def _header(path: Path, line: str) -> Header:
    try:
        header = Header.model_validate_json(line)
    except ValidationError as error:
        if (revision := _later_revision(line)) is not None:
            raise UserError(
                f"{path} was written by a later release (revision {revision:.20} of the schema, this release has "
                f"{migrate.newest()}): import it with that release. {NOTHING}"
            ) from error
        raise UserError(f"{path} is not an export of cmbot: its first line is not a header. {NOTHING}") from error
    if header.revision not in migrate.revisions() or header.revision < OLDEST_REVISION:
        raise UserError(
            f"{path} has revision {header.revision:.20} of the schema, but this release has {migrate.newest()} and "
            f"reads exports since {OLDEST_REVISION}: import it with the release that wrote it, then start this release "
            f"on that database. {NOTHING}"
        )
    return header


def _later_revision(line: str) -> str | None:
    """Revision of a header that this release cannot read because a later one wrote it."""
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        return None
    revision = header.get("revision") if isinstance(header, dict) and header.get("what") == "cmbot export" else None
    return revision if isinstance(revision, str) and revision not in migrate.revisions() else None


def _blocks(
    path: Path, lines: Lines, tables: Collection[str]
) -> Iterator[tuple[str, list[tuple[int, Mapping[str, Any]]]]]:
    """Yield consecutive rows of one table, at most a page at a time, with their line numbers."""
    name, held = "", list[tuple[int, Mapping[str, Any]]]()
    for number, text in lines:
        line = _row(path, number, text, tables)
        if held and (line.table != name or len(held) >= PAGE):
            yield name, held
            held = []
        name = line.table
        held.append((number, line.row))
    if held:
        yield name, held


def _row(path: Path, number: int, text: str, tables: Collection[str]) -> ExportLine:
    try:
        line = ExportLine.model_validate_json(text)
    except ValidationError as error:
        raise UserError(f"{path}, line {number}: this is not a row of an export. {NOTHING}") from error
    if line.table not in tables:
        raise UserError(f"{path}, line {number}: there is no table {line.table!r:.60}. {NOTHING}")
    return line
