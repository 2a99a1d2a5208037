"""Facts about the installation: the default policies with which it began.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import time

import sqlalchemy as sa
from alembic import context, op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; a database that was empty begins with strict policies, an earlier one keeps its own."""
    facts = op.create_table(
        "facts",
        sa.Column("name", sa.Text(), primary_key=True, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
    )
    policies = "strict" if context.config.attributes.get("empty") else "loose"
    op.bulk_insert(facts, [{"name": "policies", "value": policies, "since": time.time()}])


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
