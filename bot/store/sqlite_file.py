"""Preparation of a SQLite file: it exists, only its owner can read it, and it is in WAL mode."""

import errno
import os
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import structlog

from bot.common.errors import ConfigError, StoreError, system_words
from bot.store.error_text import raw, reason

log = structlog.get_logger(__name__)

_PATIENCE = 10.0
_RETRY = 0.02
PRIMARY = 0xFF
"""Lowest byte of an extended result code of SQLite: the primary code."""


def prepare(file: Path) -> None:
    """Create the file and its folder for the owner only, and switch the file to WAL for good.

    SQLite gives its side files the same mode. Blocking. Raises ConfigError for an unusable path, StoreError while
    another process keeps the file locked.
    """
    try:
        _create(file)
    except OSError as error:
        raise ConfigError(
            f"store.url (CMBOT_STORE_URL): {file} cannot be opened for writing ({system_words(error)}): "
            "name a file in a folder that this user may write to, as in sqlite:////var/lib/cmbot/cmbot.db."
        ) from error
    until = time.monotonic() + _PATIENCE
    while not _switched(file):
        if time.monotonic() > until:
            raise StoreError(f"Another process has locked the database {file}.")
        time.sleep(_RETRY)


def _create(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
    if not file.exists():
        # An existing file is never opened here: closing it would drop SQLite's locks on it in this process.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    if not os.access(file, os.W_OK):
        raise PermissionError(errno.EACCES, "Permission denied")
    if others := stat.S_IMODE(file.stat().st_mode) & 0o077:
        # Log it only: it may be intended, for a group that makes backups.
        log.warning("store.readable_by_others", file=str(file), mode=f"{others:03o}", fix=f"chmod 600 {file}")


def _switched(file: Path) -> bool:
    """Switch to WAL; False while another process locks the file: SQLite does not wait here."""
    try:
        with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as connection:
            # Effective in a new file only: free pages can then be returned to the file system.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & PRIMARY != sqlite3.SQLITE_BUSY:
            raise StoreError(f"The database {file} could not be used ({reason(error) or raw(error)}).") from error
        return False
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"store.url (CMBOT_STORE_URL): {file} is not an SQLite database.") from error
    return True
