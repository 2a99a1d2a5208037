"""Silences that end with the alert for which they were asked.

Frozen: it describes what this release wrote, whatever bot/store/schema.py says today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there ends at its time."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("silences", sa.Column("alert", number, nullable=False, server_default="0"))


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
