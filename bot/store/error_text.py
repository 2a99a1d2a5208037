"""Reasons of database errors in plain words; the texts of drivers change with their releases. No I/O."""

import errno
import re
import socket
import sqlite3
import ssl
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

_SHOWN = 200
APPEND_ONLY = "the audit log is append-only"
"""Error of the triggers that guard the audit log."""
_QUOTED = re.compile(r'"([^"]{1,80})"')
_NAMING = frozenset({"28", "3D"})
"""Classes of errors whose text quotes the name of the user or of the database."""

_SQLITE: Mapping[int, str] = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: "another program has locked the file",
        sqlite3.SQLITE_LOCKED: "another program has locked the file",
        sqlite3.SQLITE_FULL: "its disk is full: free some space",
        sqlite3.SQLITE_READONLY: "its file is read-only: check the permissions of the file and its folder",
        sqlite3.SQLITE_CANTOPEN: "its file cannot be opened: check the path, the permissions and the free space",
        sqlite3.SQLITE_PERM: "its file cannot be opened: check the path, the permissions and the free space",
        sqlite3.SQLITE_IOERR: "its disk has read or write errors: check the disk",
        sqlite3.SQLITE_CORRUPT: "its file is damaged: restore a backup",
        sqlite3.SQLITE_NOTADB: "its file is not an SQLite database",
        sqlite3.SQLITE_NOMEM: "the machine is out of memory",
        sqlite3.SQLITE_TOOBIG: "a value is too large",
        sqlite3.SQLITE_SCHEMA: "another release changed its schema: restart cmbot",
    }
)
"""By SQLite's primary result code (sqlite.org/rescode.html)."""

_SERVER_GONE = "the server closed the connection"
_POSTGRES: tuple[tuple[str, str], ...] = (
    ("08", _SERVER_GONE),
    ("28P01", "the server rejects the password: correct CMBOT_STORE_URL"),
    ("28", "the server rejects this user: check the user and pg_hba.conf"),
    ("3D", "the server has no database of that name: create it"),
    ("3F", "the schema is missing: run `cmbot migrate`"),
    ("42501", "the user lacks a privilege: grant it in the database"),
    ("42", "its schema is not that of this release: run `cmbot migrate`"),
    ("40", "it conflicted with another transaction; the next attempt may succeed"),
    ("55P03", "another transaction holds a lock"),
    ("55", "the server cannot do that in its current state"),
    ("57014", "the server cancelled the statement, which took too long"),
    ("57P01", "the server is being shut down"),
    ("57P02", "the server is being shut down"),
    ("57P03", "the server is starting or shutting down"),
    ("57", _SERVER_GONE),
    ("53100", "the server's disk is full: free some space"),
    ("53200", "the server is out of memory"),
    ("53300", "the server has no free connection: raise max_connections, or stop other clients"),
    ("53", "the server is out of resources"),
    ("25006", "the server takes no writes: it is a standby or read-only"),
    ("25", "the server ended the transaction"),
    ("58", "the server cannot read or write its files"),
    ("XX", "the server reports damaged data: read its log"),
)
"""By SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html): the longer codes of a class come first."""

_SYSTEM: Mapping[int, str] = MappingProxyType(
    {
        errno.ECONNREFUSED: "the server refuses connections: check that it runs, and host and port",
        errno.ECONNRESET: _SERVER_GONE,
        errno.EPIPE: _SERVER_GONE,
        errno.ENOENT: "there is no server at this socket or path: check that it runs",
        errno.EACCES: "the system does not permit it: check the permissions",
        errno.EPERM: "the system does not permit it: check the permissions",
        errno.ENOSPC: "its disk is full: free some space",
        errno.EDQUOT: "its disk quota is used up: free some space",
        errno.EROFS: "its file system is read-only",
        errno.EIO: "its disk has read or write errors: check the disk",
        errno.EMFILE: "this process is out of file descriptors: raise its limit (ulimit -n)",
        errno.ENFILE: "the system is out of file descriptors",
        errno.EHOSTUNREACH: "there is no route to the server: check the network",
        errno.ENETUNREACH: "there is no route to the server: check the network",
        errno.ETIMEDOUT: "the server does not answer: check host, port and firewall",
    }
)
_MESSAGES: tuple[tuple[str, str], ...] = (
    ("no such table", "its schema is not that of this release: run `cmbot migrate`"),
    ("no such column", "its schema is not that of this release: run `cmbot migrate`"),
    ("connection was closed", _SERVER_GONE),
    ("connection is closed", _SERVER_GONE),
    ("connection has been released", _SERVER_GONE),
    ("connection lost", _SERVER_GONE),
    ("unexpected connection", _SERVER_GONE),
    # asyncpg, about a connection that the server ended while the program stood still.
    ("cannot switch to state", _SERVER_GONE),
    ("rejected ssl upgrade", "the server does not support TLS: change sslmode, or set up TLS on the server"),
    ("operation is in progress", "the connection was still busy"),
)
"""Parts of driver messages that have no code."""


def reason(error: BaseException) -> str:
    """Return the reason of an error of SQLAlchemy, a driver or the system; "" for an unknown error."""
    if APPEND_ONLY in str(_inner(error)):
        return APPEND_ONLY
    for each in _chain(error):
        if text := _reason_of(each):
            return text
    return ""


def raw(error: BaseException) -> str:
    """Return the first line of the driver's message for the log, without the statement and its values."""
    inner = _inner(error)
    first, *_ = str(inner).splitlines() or [""]
    text = "" if isinstance(inner, SQLAlchemyError) else first.rpartition(">: ")[2][:_SHOWN]
    return f"{type(inner).__name__}: {text}" if text else type(inner).__name__


def _inner(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error, the driver's error inside it, and their causes."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        step = _inner(step) if _inner(step) is not step else step.__cause__
    return found


def _reason_of(error: BaseException) -> str:
    if isinstance(error, NoConnectionFree):
        return "every connection to it is in use, and none was released in time"
    if isinstance(error, DisconnectionError):
        return _SERVER_GONE
    if isinstance(error, sqlite3.Error):
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "") or _by_message(error)
    if isinstance(code := getattr(error, "sqlstate", None), str):
        text = next((text for start, text in _POSTGRES if code.startswith(start)), "")
        named = _QUOTED.search(str(error)) if code[:2] in _NAMING else None
        return f"{text} ({named[1]})" if named else text
    return _system_reason(error) or _by_message(error)


def _system_reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the server's certificate is not trusted: name its CA with sslrootcert"
    if isinstance(error, ssl.SSLError):
        return "the encrypted connection to the server failed: check sslmode"
    if isinstance(error, socket.gaierror):
        return "the host name of its server cannot be resolved: check the host"
    if isinstance(error, TimeoutError):
        return _SYSTEM[errno.ETIMEDOUT]
    if isinstance(error, ConnectionError) and error.errno is None:
        return _SERVER_GONE
    # asyncio joins the errors of several addresses into one without an errno.
    known = _SYSTEM.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    refused = isinstance(error, OSError) and "Connect call failed" in str(error)
    return known or (_SYSTEM[errno.ECONNREFUSED] if refused else "")


def _by_message(error: BaseException) -> str:
    message = str(error).casefold()
    return next((text for part, text in _MESSAGES if part in message), "")
