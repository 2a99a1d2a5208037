"""Checks of the audit table: its triggers are intact, and no row that other tables refer to is missing."""

import re
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, Integer, cast, exists, func, literal, select, text
from sqlalchemy.engine import RowMapping

from bot.store.schema import audit, operations, silences
from bot.store.session import Session

_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
_TAKEN = "WHEN NEW.seq <= (SELECT max(seq) FROM audit)"
_SQLITE: Mapping[str, str] = {
    "audit_no_update": f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_REFUSE}",
    "audit_no_delete": f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {_REFUSE}",
    "audit_no_replace": f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit {_TAKEN} {_REFUSE}",
}
"""Triggers after every migration, by name; tests compare them with those of a new database."""
_POSTGRES = "audit_append_only"
_BODY = "BEGIN RAISE EXCEPTION 'the audit log is append-only'; END"
_ON_UPDATE_DELETE_TRUNCATE = 2 | 8 | 16 | 32
"""PostgreSQL's `tgtype` of the guard: before the statement (2), on DELETE (8), UPDATE (16), TRUNCATE (32)."""
_MAX_NAMED = 5
"""Missing rows that are named."""


class Guards:
    """Checks the guards of the audit table; changes nothing. Raises StoreError."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def faults(self) -> tuple[str, ...]:
        """Return one sentence for each fault; none when everything is as cmbot made it."""
        held = await (self._postgres() if self._session.postgres else self._sqlite())
        return (*held, *await self._operations(), *await self._silences())

    async def _sqlite(self) -> list[str]:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        found = {row["name"]: _plain(row["sql"]) for row in await self._session.rows(text(query))}
        return [*_compared({name: _plain(made) for name, made in _SQLITE.items()}, found)]

    async def _postgres(self) -> list[str]:
        query = """
            SELECT t.tgname AS name, t.tgenabled::text AS enabled, t.tgtype AS type, t.tgqual IS NULL AS always,
                   p.prosrc AS body
            FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE t.tgrelid = 'audit'::regclass AND NOT t.tgisinternal
        """
        rules = "SELECT rulename AS name FROM pg_rewrite WHERE ev_class = 'audit'::regclass"
        found = {row["name"]: _state(row) for row in await self._session.rows(text(query))}
        foreign = [
            f"the table has the rule {row['name']}, which cmbot did not make"
            for row in await self._session.rows(text(rules))
        ]
        return [*_compared({_POSTGRES: "guards"}, found), *foreign]

    async def _operations(self) -> list[str]:
        """Find operations without an audit row of their last step: cmbot saves both in one transaction."""
        step = (audit.c.op_id == operations.c.id) & (audit.c.action == literal("operation.") + operations.c.state)
        query = select(operations.c.id, operations.c.state).where(~exists().where(step)).order_by(operations.c.id)
        found = [
            f"operation #{row['id']} is {row['state']}" for row in await self._session.rows(query.limit(_MAX_NAMED + 1))
        ]
        return _missing_rows(found)

    async def _silences(self) -> list[str]:
        begun = (audit.c.action == "silence.begun") & (_number(self._session) == silences.c.id)
        query = select(silences.c.id).where(~exists().where(begun)).order_by(silences.c.id)
        return _missing_rows(
            [f"silence #{row['id']} is active" for row in await self._session.rows(query.limit(_MAX_NAMED + 1))]
        )


def _number(session: Session) -> ColumnElement[int]:
    """Number of the silence in an audit row."""
    if session.postgres:
        return cast(func.substring(audit.c.detail, '"silence": ?([0-9]+)'), Integer)
    return cast(func.json_extract(audit.c.detail, "$.silence"), Integer)


def _missing_rows(found: Sequence[str]) -> list[str]:
    more = " (and more)" if len(found) > _MAX_NAMED else ""
    return [f"no audit row says that {', '.join(found[:_MAX_NAMED])}{more}"] if found else []


def _compared(made: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name, definition in made.items():
        if name not in found:
            yield f"the trigger {name} is missing"
        elif found[name] != definition:
            yield f"the trigger {name} was changed"
    yield from (
        f"the table has the trigger {name}, which cmbot did not make" for name in sorted(found.keys() - made.keys())
    )


def _state(row: RowMapping) -> str:
    right = (row["enabled"] in {"O", "A"}, row["type"] == _ON_UPDATE_DELETE_TRUNCATE, row["always"])
    return "guards" if all(right) and _plain(row["body"]) == _BODY else "does not guard"


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()
