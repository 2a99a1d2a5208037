"""Several replicas over one database: their heartbeats, their holds, and the one that runs an operation.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; running operations get no replica, and are settled like those of an expired one."""
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "replicas",
        sa.Column("name", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("since", "beat_at", "until")),
        sa.Column("tasks", document, nullable=False),
    )
    op.create_table(
        "holds",
        sa.Column("task", sa.Text(), primary_key=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", number, nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
    )
    op.add_column("operations", sa.Column("runner", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
