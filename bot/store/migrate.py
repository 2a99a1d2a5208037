"""Migration of a database to the newest schema with Alembic; the revisions are packaged beside this file.

Alembic is imported when there is something to migrate: most starts find the newest schema.
"""

import re
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.common.errors import StoreError

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x636D626F74
"""Key of the advisory lock under which PostgreSQL's schema is changed: "cmbot" in ASCII."""
_VERSIONS = "alembic_version"
"""Alembic's table of the revision that a database has."""
_FILE = re.compile(r"r(\d{4})_\w+\.py")


def revisions() -> tuple[str, ...]:
    """All revisions that this release knows, the oldest first."""
    found = (_FILE.fullmatch(path.name) for path in (FOLDER / "versions").glob("*.py"))
    return tuple(sorted(match[1] for match in found if match))


def newest() -> str:
    """Revision that this release needs."""
    if not (found := revisions()):
        raise StoreError("The installation is incomplete: install cmbot again, its database migrations are missing.")
    return found[-1]


def current(connection: Connection) -> str | None:
    """Revision of the database, None for an empty one."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()  # noqa: S608 - a name
    return found


def load() -> None:
    """Import Alembic."""


def upgrade(connection: Connection, to: str = "head") -> None:
    """Migrate the database to revision `to` inside the open transaction of `connection`.

    Raises StoreError if a newer release has written the database.
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.util.exc import CommandError  # noqa: PLC0415 - see above

    config = Config()
    # Alembic would take a percent sign in the path for an interpolation.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["empty"] = current(connection) is None
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise StoreError(
            f"A newer cmbot has written the database: this release does not know revision {current(connection)}. "
            "Run the newer release, or restore the backup made before it."
        ) from error
