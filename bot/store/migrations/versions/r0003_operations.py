"""Operations of every kind: policies, approvals, cards passed on, leases, and one operation at a time.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LOCKED = "lock <> ''"
_LEASED = "lease_until > 0"
_FILL = "UPDATE operations SET lock = 'task:' || id WHERE state IN ('waiting', 'running', 'unknown')"


def upgrade() -> None:
    """Add the columns; each open operation gets its own lock, because several may be open on one task."""
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for column in (
        sa.Column("terms", document, nullable=False, server_default="{}"),
        sa.Column("approvals", document, nullable=False, server_default="[]"),
        sa.Column("card", number, nullable=False, server_default="0"),
        sa.Column("lease_until", sa.Double(), nullable=False, server_default="0"),
        sa.Column("warn_at", sa.Double(), nullable=False, server_default="0"),
        sa.Column("lock", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("operations", column)
    op.execute(_FILL)
    _index("operations_one_at_a_time", "cluster", "lock", where=_LOCKED, unique=True)
    _index("operations_leased", "lease_until", where=_LEASED)


def _index(name: str, *columns: str, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name, "operations", list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
