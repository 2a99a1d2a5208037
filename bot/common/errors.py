"""The error tree: each class is named for what its catcher can do about it.

CmbotError
├── UserError               a person asked for something that cannot be: tell them the sentence, only them
│   └── NotAllowed          that person may not: it is noted in the audit log as well
├── ConfigError             the settings are wrong: the sentence names the key, the value and the mend
├── ClusterError            all that a cluster can do to us
│   ├── ClusterUnreachable  nothing was sent: no connection could be made; another host may be tried
│   ├── ClusterTimeout      a read got no answer in time
│   ├── ClusterBadAnswer    a read was cut, garbled, too large or not of the documented shape
│   ├── ClusterRefused      the server said no and nothing changed
│   │   ├── NotFound        404, 904, 911, 934: the thing asked for does not exist there
│   │   ├── AuthRejected    403: the request token is wrong or missing
│   │   └── NoLeader        907: the group has no leader just now
│   ├── ClusterFailed       a read was answered with 5xx, 906 or 908
│   └── OutcomeUnknown      a write whose effect is not known: look before anything is sent again
├── SlackError              Slack did not do it; carries Slack's own error code
│   ├── SlackRetryable      it may be tried again, not before `retry_after` seconds
│   └── SlackLost           the answer was lost: the message may or may not have been posted
└── StoreError              the database did not do it
    ├── Conflict            a compare-and-set found another version: somebody else was first
    └── Fenced              this process no longer holds what it wrote for: stop, whoever holds it goes on
"""

import errno
import socket
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self


class CmbotError(Exception):
    """Root of everything this program raises on purpose; `str()` is a sentence fit for a person."""


class UserError(CmbotError):
    """A person asked for something that cannot be; the sentence says what to do instead.

    `argument` is the one that is wrong, where it is known: a form shows the sentence beside it.
    """

    argument: str = ""

    def at(self, argument: str) -> Self:
        """The same error, said to be about that argument."""
        self.argument = argument
        return self


class NotAllowed(UserError):
    """A person asked for something that they have no right to; the sentence says how rights are given."""


class ConfigError(CmbotError):
    """The settings are wrong; the sentence names the key, the value and the mend."""


class ClusterError(CmbotError):
    """What a cluster did to us. `status` is the HTTP status (906 and the like included), `words` the server's own."""

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

    def retold(self, sentence: str) -> Self:
        """The same error in other words."""
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
    """A read's answer was cut, garbled, too large or not of the documented shape."""


class ClusterFailed(ClusterError):
    """A read was answered with a server failure (5xx, 906, 908)."""


class ClusterRefused(ClusterError):
    """The server said no, and nothing changed."""


class NotFound(ClusterRefused):
    """What was asked for does not exist there (404, 904, 911, 934)."""


class AuthRejected(ClusterRefused):
    """The request token is wrong or missing (403)."""


class NoLeader(ClusterRefused):
    """The group has no leader just now (907)."""


class OutcomeUnknown(ClusterError):
    """A write that may or may not have taken effect, or may yet do so: look, never re-send."""


class SlackError(CmbotError):
    """Slack did not do it; `code` is Slack's own error (`channel_not_found`)."""

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class SlackRetryable(SlackError):
    """Slack may do it later; `retry_after` in seconds."""

    def __init__(self, sentence: str, *, code: str = "", retry_after: float = 1.0) -> None:
        super().__init__(sentence, code=code)
        self.retry_after = retry_after


class SlackLost(SlackError):
    """The answer was lost: it may have happened."""


class StoreError(CmbotError):
    """The database did not do it."""


class Conflict(StoreError):
    """A compare-and-set found another version: somebody else was first."""


class Fenced(StoreError):
    """Another process holds by now what this one wanted to write for; nothing was written, the other one goes on."""


_SYSTEM: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOENT: "there is none",
        errno.EACCES: "this user has no right to it",
        errno.EPERM: "this user has no right to it",
        errno.EISDIR: "it is a directory",
        errno.ENOTDIR: "a part of the path is a file, not a directory",
        errno.EEXIST: "a part of the path is a file, not a directory",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the file system is read-only",
        errno.EIO: "the disk fails",
        errno.ENAMETOOLONG: "the path is too long",
        errno.ELOOP: "its links lead in a circle",
        errno.EMFILE: "this process has no file descriptor left",
        errno.ETXTBSY: "another program uses it",
        errno.ECONNREFUSED: "it refuses connections",
        errno.ECONNRESET: "it cut the connection",
        errno.EPIPE: "it cut the connection",
        errno.ETIMEDOUT: "it does not answer",
        errno.EHOSTUNREACH: "there is no way to it",
        errno.ENETUNREACH: "there is no way to it",
        errno.EADDRINUSE: "another program listens there",
        errno.EADDRNOTAVAIL: "this machine does not have that address",
        errno.EAFNOSUPPORT: "this machine does not know that kind of address",
    }
)


def system_words(error: OSError) -> str:
    """Why the system did not do something, in our words."""
    if isinstance(error, ssl.SSLError):
        return "it holds no certificates in PEM form"
    if isinstance(error, TimeoutError):
        return _SYSTEM[errno.ETIMEDOUT]
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return _SYSTEM.get(error.errno or 0, f"the system reports {errno.errorcode.get(error.errno or 0, 'an error')}")
