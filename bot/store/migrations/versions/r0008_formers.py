"""Messages that replace one that Slack does not let cmbot edit any more.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no message that is there has replaced another one."""
    op.add_column("posts", sa.Column("former", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
