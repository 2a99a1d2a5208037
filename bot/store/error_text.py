"""Why the database could not be used, in our words: a driver's help few people and change with its release. Pure."""

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
"""What the audit log's own guards say."""
_QUOTED = re.compile(r'"([^"]{1,80})"')
_NAMING = frozenset({"28", "3D"})
"""Classes of errors in which the server quotes the name of the user or of the database."""

_SQLITE: Mapping[int, str] = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: "another program keeps the file locked",
        sqlite3.SQLITE_LOCKED: "another program keeps the file locked",
        sqlite3.SQLITE_FULL: "its disk is full: free some space",
        sqlite3.SQLITE_READONLY: "its file is read-only: check the rights of the file and its folder",
        sqlite3.SQLITE_CANTOPEN: "its file cannot be opened: check the path, the rights and the space left",
        sqlite3.SQLITE_PERM: "its file cannot be opened: check the path, the rights and the space left",
        sqlite3.SQLITE_IOERR: "its disk fails to read or write: check the disk",
        sqlite3.SQLITE_CORRUPT: "its file is damaged: restore a backup",
        sqlite3.SQLITE_NOTADB: "its file is not an SQLite database",
        sqlite3.SQLITE_NOMEM: "there is no memory left",
        sqlite3.SQLITE_TOOBIG: "a value is too large for it",
        sqlite3.SQLITE_SCHEMA: "another release changed its schema: restart cmbot",
    }
)
"""By SQLite's primary result code (sqlite.org/rescode.html)."""

_SERVER_GONE = "the server closed the connection"
_POSTGRES: tuple[tuple[str, str], ...] = (
    ("08", _SERVER_GONE),
    ("28P01", "the server does not accept the password: correct CMBOT_STORE_URL"),
    ("28", "the server does not let this user in: check the user and pg_hba.conf"),
    ("3D", "there is no database of that name on the server: create it"),
    ("3F", "the schema is missing: run `cmbot migrate`"),
    ("42501", "the user has no right to that: grant it in the database"),
    ("42", "its schema is not that of this release: run `cmbot migrate`"),
    ("40", "it collided with another transaction; the next attempt may succeed"),
    ("55P03", "another transaction keeps it locked"),
    ("55", "the server cannot do that in its present state"),
    ("57014", "the server cancelled the statement, which took too long"),
    ("57P01", "the server is being shut down"),
    ("57P02", "the server is being shut down"),
    ("57P03", "the server is starting or shutting down"),
    ("57", _SERVER_GONE),
    ("53100", "the server's disk is full: free some space"),
    ("53200", "the server has no memory left"),
    ("53300", "the server has no connection left: raise max_connections, or end other clients"),
    ("53", "the server is short of resources"),
    ("25006", "the server takes no writes: it is a standby, or set to read-only"),
    ("25", "the server ended the transaction"),
    ("58", "the server fails to read or write its files"),
    ("XX", "the server reports damage: look at its log"),
)
"""By SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html): the longer codes of a class come first."""

_SYSTEM: Mapping[int, str] = MappingProxyType(
    {
        errno.ECONNREFUSED: "the server refuses connections: is it running, are host and port right?",
        errno.ECONNRESET: _SERVER_GONE,
        errno.EPIPE: _SERVER_GONE,
        errno.ENOENT: "there is no server at this socket or path: is it running?",
        errno.EACCES: "the system does not permit it: check the rights",
        errno.EPERM: "the system does not permit it: check the rights",
        errno.ENOSPC: "its disk is full: free some space",
        errno.EDQUOT: "its disk quota is used up: free some space",
        errno.EROFS: "its file system is read-only",
        errno.EIO: "its disk fails to read or write: check the disk",
        errno.EMFILE: "this process has no file descriptor left: raise its limit (ulimit -n)",
        errno.ENFILE: "the system has no file descriptor left",
        errno.EHOSTUNREACH: "there is no way to the server: check the network",
        errno.ENETUNREACH: "there is no way to the server: check the network",
        errno.ETIMEDOUT: "the server does not answer: check host, port and firewall",
    }
)
_UNNAMED: tuple[tuple[str, str], ...] = (
    ("no such table", "its schema is not that of this release: run `cmbot migrate`"),
    ("no such column", "its schema is not that of this release: run `cmbot migrate`"),
    ("connection was closed", _SERVER_GONE),
    ("connection is closed", _SERVER_GONE),
    ("connection has been released", _SERVER_GONE),
    ("connection lost", _SERVER_GONE),
    ("unexpected connection", _SERVER_GONE),
    ("rejected ssl upgrade", "the server speaks no TLS: change sslmode, or set TLS up there"),
    ("operation is in progress", "the connection was still busy"),
)
"""Parts of what drivers say without a code."""


def reason(error: BaseException) -> str:
    """Why, for whatever SQLAlchemy, a driver or the system raised; "" where cmbot does not know the error."""
    if APPEND_ONLY in str(_inner(error)):
        return APPEND_ONLY
    for each in _chain(error):
        if words := _of_one(each):
            return words
    return ""


def raw(error: BaseException) -> str:
    """The driver's own first line, for the log: never the statement or its values, which may hold anything."""
    inner = _inner(error)
    first, *_ = str(inner).splitlines() or [""]
    words = "" if isinstance(inner, SQLAlchemyError) else first.rpartition(">: ")[2][:_SHOWN]
    return f"{type(inner).__name__}: {words}" if words else type(inner).__name__


def _inner(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _chain(error: BaseException) -> list[BaseException]:
    """The error, the driver's inside it, and what that came from."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        step = _inner(step) if _inner(step) is not step else step.__cause__
    return found


def _of_one(error: BaseException) -> str:
    if isinstance(error, NoConnectionFree):
        return "every connection to it is in use, and none came free in time"
    if isinstance(error, DisconnectionError):
        return _SERVER_GONE
    if isinstance(error, sqlite3.Error):
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "") or _said(error)
    if isinstance(code := getattr(error, "sqlstate", None), str):
        words = next((words for start, words in _POSTGRES if code.startswith(start)), "")
        named = _QUOTED.search(str(error)) if code[:2] in _NAMING else None
        return f"{words} ({named[1]})" if named else words
    return _of_the_system(error) or _said(error)


def _of_the_system(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the server's certificate is not trusted: name its CA with sslrootcert"
    if isinstance(error, ssl.SSLError):
        return "the encrypted connection to the server failed: check sslmode"
    if isinstance(error, socket.gaierror):
        return "the name of its server is not known: check the host"
    if isinstance(error, TimeoutError):
        return _SYSTEM[errno.ETIMEDOUT]
    if isinstance(error, ConnectionError) and error.errno is None:
        return _SERVER_GONE
    # asyncio joins the errors of several addresses into one without a number.
    known = _SYSTEM.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    refused = isinstance(error, OSError) and "Connect call failed" in str(error)
    return known or (_SYSTEM[errno.ECONNREFUSED] if refused else "")


def _said(error: BaseException) -> str:
    said = str(error).casefold()
    return next((words for part, words in _UNNAMED if part in said), "")
