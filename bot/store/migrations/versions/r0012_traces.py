"""The traces of operations and of messages.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what is there has no trace."""
    for table in ("operations", "posts"):
        op.add_column(table, sa.Column("trace", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
