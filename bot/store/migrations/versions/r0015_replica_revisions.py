"""The schema revision that the program of each replica needs.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a release that does not know it leaves it empty."""
    op.add_column("replicas", sa.Column("revision", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
