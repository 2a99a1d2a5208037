"""Silences that end with their alert.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; existing silences end at their time."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("silences", sa.Column("alert", number, nullable=False, server_default="0"))


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
