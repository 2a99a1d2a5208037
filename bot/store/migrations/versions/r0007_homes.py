"""Messages that go to another channel while their own takes none.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; existing messages are in their own channel."""
    op.add_column("posts", sa.Column("home", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE posts SET home = channel")


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
