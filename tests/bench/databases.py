"""Databases of the bench: a SQLite file, or a PostgreSQL server as the tests start it."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from tests.support.databases import migrate, server_running

SQLITE, POSTGRES = "sqlite", "postgres"


@asynccontextmanager
async def database(folder: Path, kind: str) -> AsyncIterator[str]:
    """Make an empty database with the newest schema; yields its URL."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/cmbot.db"
        if kind == POSTGRES:
            server = stack.enter_context(server_running())
            url = server.url(await server.create())
        await migrate(url)
        yield url
