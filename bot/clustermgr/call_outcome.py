"""CallOutcome: the bounded set of what becomes of a call to a host, for metrics. No I/O."""

from enum import StrEnum
from http import HTTPStatus

from bot.clustermgr.status_codes import MAY_STILL_APPLY, NOT_FOUND, SERVER_ERRORS
from bot.clustermgr.transport_errors import (
    CONNECTION_LOST,
    TIMEOUTS,
    NoConnection,
    Unbounded,
    caused_by,
    no_connection,
    tls_error,
)
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterRefused,
    ClusterTimeout,
    ClusterUnreachable,
    NoLeader,
    NotFound,
)

_FORBIDDEN, _NO_LEADER = 403, 907
_REFUSALS = (range(400, 500), range(900, 1000))


class CallOutcome(StrEnum):
    """What became of a call; a value of the label `outcome` or `cause`."""

    OK = "ok"
    CANCELLED = "cancelled"
    """Another host answered first, or a deadline of the poll passed."""
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    """No connection came about for another reason."""
    DNS = "dns"
    TLS = "tls"
    TIMEOUT = "timeout"
    """The request was sent, and no answer came in time."""
    CONNECTION_LOST = "connection_lost"
    """The connection was cut, or the answer is not HTTP."""
    TOO_LARGE = "too_large"
    BAD_ANSWER = "bad_answer"
    """An answer of another form, or with a status that Clustermgr does not send."""
    AUTH_REJECTED = "auth_rejected"
    """403"""
    NOT_FOUND = "not_found"
    """404, 904, 911, 934"""
    NO_LEADER = "no_leader"
    """907"""
    REFUSED = "refused"
    """Another 4xx or 9xx."""
    SERVER_ERROR = "server_error"
    """5xx, 906, 908"""


def outcome_of_status(status: int) -> CallOutcome:
    """The outcome of a call that was answered with this HTTP status."""
    if status == HTTPStatus.OK:
        return CallOutcome.OK
    if status == _FORBIDDEN:
        return CallOutcome.AUTH_REJECTED
    if status in NOT_FOUND:
        return CallOutcome.NOT_FOUND
    if status == _NO_LEADER:
        return CallOutcome.NO_LEADER
    if status in MAY_STILL_APPLY or status in SERVER_ERRORS:
        return CallOutcome.SERVER_ERROR
    return CallOutcome.REFUSED if any(status in refusals for refusals in _REFUSALS) else CallOutcome.BAD_ANSWER


def outcome_of(error: ClusterError) -> CallOutcome:
    """The outcome of a call that ended with this error."""
    if isinstance(error, ClusterUnreachable):
        return _OF_NO_CONNECTION[no_connection(error, tls=error.host.startswith("https://"))]
    if isinstance(error, ClusterTimeout) or caused_by(error.__cause__, *TIMEOUTS):
        return CallOutcome.TIMEOUT
    by_class = next((outcome for kind, outcome in _OF_CLASS if isinstance(error, kind)), None)
    return by_class or _of_answer(error)


def _of_answer(error: ClusterError) -> CallOutcome:
    """The outcome of an answer that is cut, garbled or too large, or of a write that may have taken effect."""
    if caused_by(error.__cause__, Unbounded):
        return CallOutcome.TOO_LARGE
    if tls_error(error):
        return CallOutcome.TLS
    if caused_by(error.__cause__, *CONNECTION_LOST):
        return CallOutcome.CONNECTION_LOST
    if isinstance(error, ClusterBadAnswer) or error.status is None:
        return CallOutcome.BAD_ANSWER
    found = outcome_of_status(error.status)
    return CallOutcome.BAD_ANSWER if found is CallOutcome.OK else found


_OF_CLASS: tuple[tuple[type[ClusterError], CallOutcome], ...] = (
    (NotFound, CallOutcome.NOT_FOUND),
    (AuthRejected, CallOutcome.AUTH_REJECTED),
    (NoLeader, CallOutcome.NO_LEADER),
    (ClusterRefused, CallOutcome.REFUSED),
    (ClusterFailed, CallOutcome.SERVER_ERROR),
)
_OF_NO_CONNECTION = {
    NoConnection.TIMEOUT: CallOutcome.CONNECT_TIMEOUT,
    NoConnection.DNS: CallOutcome.DNS,
    NoConnection.TLS: CallOutcome.TLS,
    NoConnection.REFUSED: CallOutcome.CONNECTION_REFUSED,
    NoConnection.CUT: CallOutcome.UNREACHABLE,
}
