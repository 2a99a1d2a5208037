"""Whether the audit table is still guarded, and whether rows are gone that what they were written with still shows."""

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
"""What the database holds after every migration, by name; tests compare it with a database as it is made."""
_POSTGRES = "audit_append_only"
_BODY = "BEGIN RAISE EXCEPTION 'the audit log is append-only'; END"
_ON_UPDATE_DELETE_TRUNCATE = 2 | 8 | 16 | 32
"""PostgreSQL's `tgtype` of the guard: before the statement (2), on DELETE (8), UPDATE (16), TRUNCATE (32)."""
_MOST = 5
"""Missing rows that are named."""


class Guards:
    """Looks at what guards the audit table; changes nothing. Raises StoreError."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def faults(self) -> tuple[str, ...]:
        """What is wrong, a sentence each; none when all is as cmbot made it."""
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
        strange = [f"the rule {row['name']} on it is none of cmbot's" for row in await self._session.rows(text(rules))]
        return [*_compared({_POSTGRES: "guards"}, found), *strange]

    async def _operations(self) -> list[str]:
        """Operations without the row of their last step: a step is never taken without its row."""
        step = (audit.c.op_id == operations.c.id) & (audit.c.action == literal("operation.") + operations.c.state)
        query = select(operations.c.id, operations.c.state).where(~exists().where(step)).order_by(operations.c.id)
        found = [
            f"operation #{row['id']} is {row['state']}" for row in await self._session.rows(query.limit(_MOST + 1))
        ]
        return _rows_gone(found)

    async def _silences(self) -> list[str]:
        begun = (audit.c.action == "silence.begun") & (_number(self._session) == silences.c.id)
        query = select(silences.c.id).where(~exists().where(begun)).order_by(silences.c.id)
        return _rows_gone([f"silence #{row['id']} holds" for row in await self._session.rows(query.limit(_MOST + 1))])


def _number(session: Session) -> ColumnElement[int]:
    """The number of the silence that a row of the audit log speaks of."""
    if session.postgres:
        return cast(func.substring(audit.c.detail, '"silence": ?([0-9]+)'), Integer)
    return cast(func.json_extract(audit.c.detail, "$.silence"), Integer)


def _rows_gone(found: Sequence[str]) -> list[str]:
    more = " (and more like it)" if len(found) > _MOST else ""
    return [f"{', '.join(found[:_MOST])}{more}, and the row that says so is gone"] if found else []


def _compared(made: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name, words in made.items():
        if name not in found:
            yield f"the trigger {name} is gone"
        elif found[name] != words:
            yield f"the trigger {name} is not as cmbot made it"
    yield from (f"the trigger {name} on it is none of cmbot's" for name in sorted(found.keys() - made.keys()))


def _state(row: RowMapping) -> str:
    right = (row["enabled"] in {"O", "A"}, row["type"] == _ON_UPDATE_DELETE_TRUNCATE, row["always"])
    return "guards" if all(right) and _plain(row["body"]) == _BODY else "does not guard"


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()
