"""Messages that are told elsewhere while the channel where they belong takes none.

Frozen: it describes what this release wrote, whatever bot/store/schema.py says today.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there is where it belongs."""
    op.add_column("posts", sa.Column("home", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE posts SET home = channel")


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
