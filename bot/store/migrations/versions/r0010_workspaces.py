"""Workspaces: the forms of blocks that each Slack workspace takes.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "workspaces",
        sa.Column("team", sa.Text(), primary_key=True, nullable=False),
        sa.Column("tables", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("containers", sa.Boolean(), nullable=False),
    )


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
