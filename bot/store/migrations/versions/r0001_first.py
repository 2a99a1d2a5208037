"""The first schema: alerts, silences, memory, operations, inbound work, firings, samples and posts.

Frozen: it is the schema of the first release, which may differ from bot/store/schema.py.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable, primary_key=primary_key)


def _time(name: str, *, primary_key: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False, primary_key=primary_key)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [_text(name) for name in names]


def _times(*names: str) -> list[sa.Column[float]]:
    return [_time(name) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _flags(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean(), nullable=False) for name in names]


def _jsons(*names: str) -> list[sa.Column[Any]]:
    kind = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    return [sa.Column(name, kind, nullable=False) for name in names]


def _id(name: str = "id") -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Create everything."""
    _watch()
    _work()
    _posts()


def _watch() -> None:
    op.create_table(
        "alerts",
        _id(),
        *_texts("cluster", "rule", "subject", "state", "sentence", "acked_by", "resolution"),
        *_counts("severity", "weight", "version"),
        *_jsons("lines", "data"),
        *_times("since", "fired_at", "resolved_at", "clear_since", "changed_at", "reminded_at", "acked_at"),
        sqlite_autoincrement=True,
    )
    _index("alerts_one_open", "alerts", "cluster", "rule", "subject", where="state <> 'resolved'", unique=True)
    _index("alerts_by_change", "alerts", "changed_at")
    op.create_table(
        "silences",
        _id(),
        *_texts("cluster", "rule", "subject", "by", "reason"),
        *_times("until", "created_at"),
        *_counts("weight"),
        sqlite_autoincrement=True,
    )
    _index("silences_by_end", "silences", "until")
    op.create_table("memory", _text("cluster", primary_key=True), *_jsons("data"))
    op.create_table("samples", _text("cluster", primary_key=True), _time("at", primary_key=True), *_jsons("data"))


def _work() -> None:
    op.create_table(
        "operations",
        _id(),
        *_texts("cluster", "kind", "requester", "state", "channel", "reason"),
        *_jsons("request", "seen", "history"),
        *_times("created_at", "expires_at"),
        *_counts("version"),
        sqlite_autoincrement=True,
    )
    _index("operations_by_state", "operations", "state")
    _index("operations_by_creation", "operations", "created_at")
    op.create_table(
        "inbound",
        _text("key", primary_key=True),
        *_texts("kind", "claimed_by"),
        *_jsons("payload"),
        *_times("seen_at", "claimed_until"),
        *_flags("done"),
    )
    _index("inbound_open", "inbound", "seen_at", where="NOT done")
    op.create_table("firings", _text("job", primary_key=True), _time("due_at", primary_key=True))
    _index("firings_by_time", "firings", "due_at")


def _posts() -> None:
    op.create_table(
        "posts",
        _id("seq"),
        *_texts("slot", "channel", "state", "last_error", "claimed_by"),
        _text("parent", nullable=True),
        _text("ts", nullable=True),
        *_jsons("content"),
        *_flags("broadcast", "removed", "doubt"),
        *_counts("version", "sent_version", "attempts"),
        *_times("next_attempt_at", "claimed_until", "pending_since", "created_at", "updated_at"),
        sqlite_autoincrement=True,
    )
    _index("posts_one_slot", "posts", "slot", unique=True)
    _index("posts_by_parent", "posts", "parent")
    _index("posts_pending", "posts", "channel", "seq", where="state = 'pending'")
    _index("posts_by_state", "posts", "state", "updated_at")


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
