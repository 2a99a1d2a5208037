"""Each call ends with one outcome of a bounded set."""

import socket
import ssl

import httpx
import pytest

from bot.clustermgr.call_outcome import CallOutcome, outcome_of, outcome_of_status
from bot.clustermgr.transport_errors import Unbounded, read_error, write_error
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterRefused,
    ClusterTimeout,
    NoLeader,
    NotFound,
    OutcomeUnknown,
)

HOST = "10.0.0.1:9998"


def caused(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


def no_connection(cause: Exception | None) -> Exception:
    return caused(httpx.ConnectError("no"), cause)


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_code = 19  # as OpenSSL sets it
    return error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectTimeout("slow"), "connect_timeout"),
        (httpx.PoolTimeout("slow"), "connect_timeout"),
        (no_connection(ConnectionRefusedError()), "connection_refused"),
        (no_connection(ConnectionResetError()), "unreachable"),
        (no_connection(socket.gaierror()), "dns"),
        (no_connection(untrusted()), "tls"),
        (httpx.ReadTimeout("slow"), "timeout"),
        (TimeoutError(), "timeout"),
        (httpx.ReadError("cut"), "connection_lost"),
        (httpx.RemoteProtocolError("not HTTP"), "connection_lost"),
        (Unbounded("sent more than 9 bytes"), "too_large"),
    ],
)
def test_error_of_a_request_has_its_cause(error: Exception, outcome: str) -> None:
    ours: ClusterError
    for ours in (read_error(HOST, error), write_error(HOST, error)):
        ours.__cause__ = error
        assert outcome_of(ours) == outcome


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        (NotFound, 404, "not_found"),
        (AuthRejected, 403, "auth_rejected"),
        (NoLeader, 907, "no_leader"),
        (ClusterRefused, 912, "refused"),
        (ClusterFailed, 906, "server_error"),
        (ClusterBadAnswer, 302, "bad_answer"),
        (ClusterBadAnswer, 200, "bad_answer"),
        (OutcomeUnknown, 502, "server_error"),
        (OutcomeUnknown, 200, "bad_answer"),
        (OutcomeUnknown, None, "bad_answer"),
        (ClusterTimeout, None, "timeout"),
    ],
)
def test_error_of_an_answer_has_its_class(kind: type[ClusterError], status: int | None, outcome: str) -> None:
    assert outcome_of(kind("It failed.", host=HOST, status=status)) == outcome


def test_every_status_is_one_of_few_outcomes() -> None:
    """A host may send any number: that must not become a label."""
    found = {outcome_of_status(status) for status in range(100, 1000)}
    assert found <= set(CallOutcome)
    assert len(found) == 7
    assert outcome_of_status(200) is CallOutcome.OK
    assert [outcome_of_status(status) for status in (500, 906, 908)] == [CallOutcome.SERVER_ERROR] * 3
    assert outcome_of_status(410) == outcome_of_status(950) == CallOutcome.REFUSED
    assert outcome_of_status(302) is CallOutcome.BAD_ANSWER
