"""Migration of a database to the newest schema with Alembic; the revisions are packaged beside this file."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from bot.common.errors import StoreError

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x636D626F74
"""Key of the advisory lock under which PostgreSQL's schema is changed: "cmbot" in ASCII."""


def _config() -> Config:
    config = Config()
    # Alembic would take a percent sign in the path for an interpolation.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def newest() -> str:
    """Revision that this release needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise StoreError("The installation is incomplete: install cmbot again, its database migrations are missing.")
    return head


def revisions() -> tuple[str, ...]:
    """All revisions that this release knows, the oldest first."""
    found = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(reversed([each.revision for each in found]))


def current(connection: Connection) -> str | None:
    """Revision of the database, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Migrate the database to revision `to` inside the open transaction of `connection`.

    Raises StoreError if a newer release has written the database.
    """
    config = _config()
    config.attributes["connection"] = connection
    config.attributes["empty"] = current(connection) is None
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise StoreError(
            f"A newer cmbot has written the database: this release does not know revision {current(connection)}. "
            "Run the newer release, or restore the backup made before it."
        ) from error
