"""The error tree: the name of each class says what its catcher can do.

CmbotError
├── UserError               a person asked for something impossible: show the sentence to that person only
│   └── Refused             the same with a typed problem in place of a sentence: `views` has the words
│       └── NotAllowed      the person lacks the right: also write a row of the audit log
├── ConfigError             the settings are wrong: the sentence names the key, the value and the fix
├── ClusterError            every failure of a cluster
│   ├── ClusterUnreachable  no connection could be made, so nothing was sent: another host may be tried
│   ├── ClusterTimeout      a read got no answer in time
│   ├── ClusterBadAnswer    the answer to a read was cut, garbled, too large or not of the documented form
│   ├── ClusterRefused      the server refused and nothing changed
│   │   ├── NotFound        404, 904, 911, 934: the object does not exist
│   │   ├── AuthRejected    403: the request token is wrong or missing
│   │   └── NoLeader        907: the group has no leader at present
│   ├── ClusterFailed       a read was answered with 5xx, 906 or 908
│   └── OutcomeUnknown      a write whose effect is not known: read the state before anything is sent again
├── SlackError              Slack refused the call; carries the error code of Slack
│   ├── SlackRetryable      the call may be tried again after `retry_after` seconds
│   └── SlackLost           the answer was lost: the message may or may not have been posted
└── StoreError              the database failed
    ├── Conflict            a compare-and-set found another version: another writer was first
    └── Fenced              this process lost its lease: stop, the new holder continues
"""

import errno
import socket
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from bot.common.frozen import frozen


class CmbotError(Exception):
    """Root of all errors that this program raises on purpose; `str()` is a sentence for people.

    A `Refused` has no sentence. `error_text` in `views/errors.py` returns the sentence of any error.
    """


@frozen
class Problem:
    """Reason why something is impossible, typed and without words: one subclass a problem."""


class UserError(CmbotError):
    """A person asked for something impossible; the sentence says what to do instead.

    `argument` names the wrong argument if it is known: a form shows the sentence beside its field.
    """

    argument: str = ""

    def at(self, argument: str) -> Self:
        """Return this error with `argument` set."""
        self.argument = argument
        return self


class Refused(UserError):
    """A UserError with a problem in place of a sentence; `str()` is for developers."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class NotAllowed(Refused):
    """A person lacks the right to what they asked for; the words of the problem say how to get it."""


class ConfigError(CmbotError):
    """The settings are wrong; the sentence names the key, the value and the fix."""


class ClusterError(CmbotError):
    """A failure of a cluster. `status` is the HTTP status (or a code such as 906), `words` the text of the server."""

    def __init__(
        self,
        sentence: str,
        *,
        host: str = "",
        status: int | None = None,
        words: str = "",
        trace_id: str = "",
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.host = host
        self.status = status
        self.words = words
        self.trace_id = trace_id

    def reworded(self, sentence: str) -> Self:
        """Return this error with another sentence."""
        return type(self)(sentence, host=self.host, status=self.status, words=self.words, trace_id=self.trace_id)

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the keyword-only fields when an exception is copied or pickled."""
        return (_rebuild, (type(self), self.sentence, self.host, self.status, self.words, self.trace_id))


def _rebuild(
    kind: type[ClusterError], sentence: str, host: str, status: int | None, words: str, trace_id: str
) -> ClusterError:
    return kind(sentence, host=host, status=status, words=words, trace_id=trace_id)


class ClusterUnreachable(ClusterError):
    """No connection could be made, so nothing was sent."""


class ClusterTimeout(ClusterError):
    """A read got no answer in time."""


class ClusterBadAnswer(ClusterError):
    """The answer to a read was cut, garbled, too large or not of the documented form."""


class ClusterFailed(ClusterError):
    """A read was answered with a server failure (5xx, 906, 908)."""


class ClusterRefused(ClusterError):
    """The server refused, and nothing changed."""


class NotFound(ClusterRefused):
    """The object does not exist (404, 904, 911, 934)."""


class AuthRejected(ClusterRefused):
    """The request token is wrong or missing (403)."""


class NoLeader(ClusterRefused):
    """The group has no leader at present (907)."""


class OutcomeUnknown(ClusterError):
    """A write that may have taken effect, or may still do so: read the state, never send it again."""


class SlackError(CmbotError):
    """Slack refused the call; `code` is the error of Slack (`channel_not_found`)."""

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class SlackRetryable(SlackError):
    """Slack may accept the call later; `retry_after` in seconds."""

    def __init__(self, sentence: str, *, code: str = "", retry_after: float = 1.0) -> None:
        super().__init__(sentence, code=code)
        self.retry_after = retry_after


class SlackLost(SlackError):
    """The answer was lost: the call may have taken effect."""


class StoreError(CmbotError):
    """The database failed."""


class Conflict(StoreError):
    """A compare-and-set found another version: another writer was first."""


class Fenced(StoreError):
    """Another process holds the lease now; nothing was written, and that process continues."""


_SYSTEM: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOENT: "it does not exist",
        errno.EACCES: "this user has no right to it",
        errno.EPERM: "this user has no right to it",
        errno.EISDIR: "it is a directory",
        errno.ENOTDIR: "a part of the path is a file, not a directory",
        errno.EEXIST: "a part of the path is a file, not a directory",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the file system is read-only",
        errno.EIO: "the disk has an I/O error",
        errno.ENAMETOOLONG: "the path is too long",
        errno.ELOOP: "its symbolic links form a loop",
        errno.EMFILE: "this process has no file descriptor left",
        errno.ETXTBSY: "another program uses it",
        errno.ECONNREFUSED: "it refuses connections",
        errno.ECONNRESET: "it cut the connection",
        errno.EPIPE: "it cut the connection",
        errno.ETIMEDOUT: "it does not answer",
        errno.EHOSTUNREACH: "there is no route to it",
        errno.ENETUNREACH: "there is no route to it",
        errno.EADDRINUSE: "another program listens there",
        errno.EADDRNOTAVAIL: "this machine does not have that address",
        errno.EAFNOSUPPORT: "this machine does not know that kind of address",
    }
)


def system_words(error: OSError) -> str:
    """Return the reason of a system error as people read it."""
    if isinstance(error, ssl.SSLError):
        return "it holds no certificates in PEM form"
    if isinstance(error, TimeoutError):
        return _SYSTEM[errno.ETIMEDOUT]
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    return _SYSTEM.get(error.errno or 0, f"the system reports {errno.errorcode.get(error.errno or 0, 'an error')}")
