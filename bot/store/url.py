"""Database URLs of the settings, converted for the drivers; a password is never shown."""

import re
import ssl
from dataclasses import field
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.common.errors import ConfigError, system_words
from bot.common.frozen import frozen

_SQLITE = frozenset({"sqlite", "sqlite+aiosqlite"})
_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"})
_PLACEHOLDER = re.compile(r"<(?:user|password|host|database)>|…")
"""What the manual and the manifests write in the place of a value."""
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_KEY = "store.url (CMBOT_STORE_URL)"
_EXAMPLE = "write sqlite:///path/to/cmbot.db or postgresql://user:password@host:5432/database"


@frozen
class Target:
    """Database to open: `url` for SQLAlchemy, `file` for SQLite only, `tls` (a mode or a context) for PostgreSQL."""

    url: URL = field(repr=False)
    file: Path | None = None
    tls: str | ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """URL without its password, for logs."""
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)


def parse(written: str) -> Target:
    """Parse a URL; raises ConfigError that names the key and a valid example, but no password."""
    if _PLACEHOLDER.search(written):
        raise ConfigError(f"{_KEY}: a part of it is a placeholder; {_EXAMPLE}, with the values of your database.")
    try:
        url = make_url(written)
    except (ArgumentError, ValueError) as error:
        # Without the cause: its text repeats the URL with the password.
        del error
        raise ConfigError(f"{_KEY}: this is not a database URL; {_EXAMPLE}.") from None
    if url.drivername in _SQLITE:
        return _sqlite(url)
    if url.drivername in _POSTGRES:
        return _postgres(url)
    raise ConfigError(f"{_KEY}: {url.drivername} databases are not supported; {_EXAMPLE}.")


def _sqlite(url: URL) -> Target:
    if url.host or url.query or not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ConfigError(f"{_KEY}: SQLite needs a file path after three slashes; write sqlite:///cmbot.db.")
    file = Path(url.database)
    return Target(URL.create("sqlite+aiosqlite", database=str(file)), file)


def _postgres(url: URL) -> Target:
    query = dict(url.query)
    mode, root = query.pop("sslmode", query.pop("ssl", None)), query.pop("sslrootcert", None)
    unknown = sorted(set(query) - {"host", "port"})
    if unknown:
        raise ConfigError(
            f"{_KEY}: unknown option {unknown[0]!r}; the known ones are host, port, sslmode and sslrootcert."
        )
    if not url.database:
        raise ConfigError(f"{_KEY}: the name of the database is missing; {_EXAMPLE}.")
    ours = URL.create("postgresql+asyncpg", url.username, url.password, url.host, url.port, url.database, query)
    return Target(ours, None, None if mode is None else _ssl(mode, root))


def _ssl(mode: str | tuple[str, ...], root: str | tuple[str, ...] | None) -> str | ssl.SSLContext:
    if not isinstance(mode, str) or mode not in _SSL_MODES or not isinstance(root, str | None):
        raise ConfigError(f"{_KEY}: sslmode must be one of {', '.join(_SSL_MODES)}.")
    if root is None or not mode.startswith("verify"):
        return mode
    try:
        context = ssl.create_default_context(cafile=root)
    except OSError as error:
        raise ConfigError(f"{_KEY}: sslrootcert {root} cannot be read ({system_words(error)}).") from error
    context.check_hostname = mode == "verify-full"
    return context
