"""Preparation of a SQLite file: another program locks it, it is no database, it cannot be written."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer

import pytest

from bot.common.errors import ConfigError, StoreError
from bot.store import sqlite_file
from tests.component.store.test_write_check import no_space


@contextmanager
def locked(file: Path) -> Iterator[sqlite3.Connection]:
    """Hold the exclusive lock of a database that is not in WAL mode."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("CREATE TABLE held (x)")
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def test_locked_file_is_opened_once_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_RETRY", 0.001)
    file = tmp_path / "cmbot.db"
    with locked(file) as other:
        release = Timer(0.1, other.rollback)
        release.start()
        sqlite_file.prepare(file)
        release.join()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_file_that_stays_locked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_PATIENCE", 0.01)
    file = tmp_path / "cmbot.db"
    with locked(file), pytest.raises(StoreError, match=rf"^Another process has locked the database {file}\.$"):
        sqlite_file.prepare(file)


def test_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("These are notes, and no database. " * 100)
    with pytest.raises(ConfigError, match=r"notes\.txt is not an SQLite database"):
        sqlite_file.prepare(file)
    assert file.read_text().startswith("These are notes")


def test_full_disk_is_a_store_error_with_its_reason(tmp_path: Path) -> None:
    with no_space(), pytest.raises(StoreError, match=r"cmbot\.db could not be used \(.+\)"):
        sqlite_file.prepare(tmp_path / "cmbot.db")


def test_read_only_file_is_refused_with_a_place_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write to any file, so the answer of the system is set."""
    file = tmp_path / "cmbot.db"
    file.touch(0o600)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(
        ConfigError, match=r"cannot be opened for writing \(this user has no right to it\).*/var/lib/cmbot"
    ):
        sqlite_file.prepare(file)
