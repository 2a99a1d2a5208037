"""Maintenances of hosts: silences with a scope.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no silence that is there has a scope."""
    op.add_column("silences", sa.Column("scope", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
