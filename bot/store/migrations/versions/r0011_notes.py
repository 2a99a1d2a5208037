"""Notes, the events of alerts, silences that begin later, and those of maintenance windows.

Frozen: it is the schema of this release, which may differ from bot/store/schema.py.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the tables; a silence that is there began when it was created."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("silences", sa.Column("window", sa.Text(), nullable=False, server_default=""))
    op.add_column("silences", sa.Column("begins", sa.Double(), nullable=False, server_default="0"))
    op.add_column("silences", sa.Column("announced", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_table(
        "notes",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("number", number, nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("kept_by", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("notes_by_thread", "notes", ["thread"])
    op.create_index("notes_by_time", "notes", ["cluster", "at"])
    kept = sa.text("source <> ''")
    op.create_index(
        "notes_one_source", "notes", ["thread", "source"], unique=True, sqlite_where=kept, postgresql_where=kept
    )
    op.create_table(
        "alert_events",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("alert", number, nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("alert_events_by_alert", "alert_events", ["alert"])
    op.create_index("alert_events_by_time", "alert_events", ["cluster", "at"])


def downgrade() -> None:
    """There is no way back: restore the backup instead."""
    raise NotImplementedError("restore the backup made before the upgrade")
