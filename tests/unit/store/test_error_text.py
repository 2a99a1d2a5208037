"""Errors of databases and of the system, in the words of cmbot and not of a driver."""

import errno
import socket
import sqlite3
import ssl
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from structlog.testing import capture_logs

from bot.common.errors import StoreError
from bot.store.error_text import raw, reason
from bot.store.session import database_errors, translated


def wrapped(inner: Exception) -> DBAPIError:
    """Wrap an error as SQLAlchemy does."""
    return DBAPIError("SELECT secret", {"password": "hunter2"}, inner)


def adapted(inner: Exception) -> DBAPIError:
    """Wrap an error as the asyncpg adapter of SQLAlchemy does: as the cause of a plain exception."""
    error = Exception(f"<class 'asyncpg.exceptions'>: {inner}")
    error.__cause__ = inner
    return wrapped(error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), "closed the conn"),
        (asyncpg.InterfaceError("connection is closed"), "closed the connection"),
        (asyncpg.InterfaceError("cannot perform operation: another operation is in progress"), "still busy"),
        (asyncpg.InvalidPasswordError("password authentication failed"), "rejects the password"),
        (asyncpg.InvalidAuthorizationSpecificationError("no pg_hba.conf entry"), "rejects this user"),
        (asyncpg.InvalidCatalogNameError('database "abc" does not exist'), "create it (abc)"),
        (asyncpg.CannotConnectNowError("the database system is starting up"), "starting or shutting down"),
        (asyncpg.AdminShutdownError("terminating connection"), "being shut down"),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), "no free connection"),
        (asyncpg.DiskFullError("could not extend file"), "disk is full"),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE"), "takes no writes"),
        (asyncpg.LockNotAvailableError("canceling statement"), "holds a lock"),
        (asyncpg.QueryCanceledError("canceling statement"), "took too long"),
        (asyncpg.DeadlockDetectedError("deadlock detected"), "conflicted"),
        (asyncpg.InsufficientPrivilegeError("permission denied"), "lacks a privilege"),
        (asyncpg.UndefinedTableError("relation does not exist"), "cmbot migrate"),
        (asyncpg.IdleInTransactionSessionTimeoutError("terminating"), "ended the transaction"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"), "refuses connections"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed"), "refuses connections"),
        (ConnectionResetError(errno.ECONNRESET, "reset by peer"), "closed the connection"),
        (ConnectionError("unexpected connection_lost() call"), "closed the connection"),
        (socket.gaierror(-2, "Name or service not known"), "host name of its server cannot be resolved"),
        (TimeoutError(), "does not answer"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EMFILE, "Too many open files"), "out of file descriptors"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "no server at this socket"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "certificate is not trusted"),
        (ssl.SSLError(1, "wrong version number"), "encrypted connection"),
        (NoConnectionFree("QueuePool limit of size 5 overflow 5 reached"), "every connection to it is in use"),
    ],
)
def test_reason_of_a_library_error_is_in_plain_words(error: Exception, words: str) -> None:
    for shape in (error, wrapped(error), adapted(error)):
        assert words in reason(shape)
        assert str(error) not in reason(shape) or not str(error)


def test_reason_of_sqlite_names_lock_disk_rights_and_damage(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as one, closing(sqlite3.connect(file, timeout=0)) as two:
        one.execute("CREATE TABLE t (x)")
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.Error) as locked:
            two.execute("INSERT INTO t VALUES (1)")
        one.execute("ROLLBACK")
        one.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.Error) as full:
            one.execute("INSERT INTO t VALUES (randomblob(100000))")
        with pytest.raises(sqlite3.Error) as missing:
            one.execute("SELECT * FROM nowhere")
        one.execute("PRAGMA query_only = ON")
        with pytest.raises(sqlite3.Error) as readonly:
            one.execute("INSERT INTO t VALUES (1)")
    assert "another program has locked the file" in reason(wrapped(locked.value))
    assert "disk is full" in reason(full.value)
    assert "cmbot migrate" in reason(missing.value)
    assert "read-only" in reason(readonly.value)


@pytest.mark.parametrize("postgres", [True, False])
def test_driver_of_postgres_is_known_for_it_alone(postgres: bool) -> None:
    error = asyncpg.InterfaceError("connection is closed")
    with (
        pytest.raises(StoreError if postgres else asyncpg.InterfaceError),
        translated(database_errors(postgres=postgres)),
    ):
        raise error


def test_unknown_error_is_logged_raw_without_its_statement() -> None:
    with capture_logs() as logged, pytest.raises(StoreError) as caught, translated(database_errors(postgres=False)):
        raise wrapped(RuntimeError("flux capacitor"))
    assert str(caught.value) == "The database could not be used (unknown error, see the log)."
    assert "hunter2" not in raw(wrapped(RuntimeError("flux capacitor")))
    assert [line["driver"] for line in logged if line["event"] == "store.unknown_error"] == [
        "RuntimeError: flux capacitor"
    ]
