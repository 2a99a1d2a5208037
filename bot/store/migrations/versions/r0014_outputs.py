"""What receivers outside Slack must know of alerts, and the alerts that an Alertmanager reports.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "outputs",
        sa.Column("seq", number, primary_key=True, autoincrement=True),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("alert", number, nullable=False),
        sa.Column("content", json, nullable=False),
        sa.Column("delivered", json, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sent_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.Double(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("claimed_until", sa.Double(), nullable=False),
        sa.Column("pending_since", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("outputs_one_row", "outputs", ["receiver", "alert"], unique=True)
    due = sa.text("state IN ('pending', 'kept')")
    op.create_index("outputs_due", "outputs", ["receiver", "next_attempt_at"], sqlite_where=due, postgresql_where=due)
    op.create_table(
        "external_alerts",
        sa.Column("cluster", sa.Text(), primary_key=True),
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("data", json, nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.create_index("external_alerts_by_time", "external_alerts", ["received_at"])


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
