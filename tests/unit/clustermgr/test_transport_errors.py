"""Errors of the HTTP library become errors of our tree, with the reason in a sentence."""

import socket
import ssl
from collections.abc import Callable

import httpx
import pytest

from bot.clustermgr.transport_errors import Unbounded, read_error, write_error
from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterTimeout, ClusterUnreachable, OutcomeUnknown

HOST = "10.0.0.1:9998"


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


CONNECT = [
    (httpx.ConnectTimeout("x"), "accepted no connection in time."),
    (httpx.PoolTimeout("x"), "accepted no connection in time."),
    (httpx.ConnectError("x"), "refuses connections."),
    (caused(httpx.ConnectError("x"), ConnectionRefusedError()), "refuses connections."),
    (caused(httpx.ConnectError("x"), ConnectionResetError()), "cut the connection before anything was sent."),
    (caused(httpx.ConnectError("x"), socket.gaierror()), "has a name that DNS does not know."),
    (caused(httpx.ConnectError("x"), tls("WRONG_VERSION_NUMBER")), "does not speak TLS"),
    (caused(httpx.ConnectError("x"), tls("TLSV13_ALERT_CERTIFICATE_REQUIRED")), "may require a client certificate"),
    (caused(httpx.ConnectError("x"), tls("NO_PROTOCOLS_AVAILABLE")), "shares no TLS version or cipher with cmbot"),
]
READ: list[tuple[Exception, type[ClusterError], str]] = [
    (TimeoutError(), ClusterTimeout, "gave no answer in time."),
    (httpx.ReadTimeout("x"), ClusterTimeout, "gave no answer in time."),
    (Unbounded("sent more than 9 bytes"), ClusterBadAnswer, "sent more than 9 bytes; check that it is a Clustermgr."),
    (caused(httpx.ReadError("x"), tls("CERTIFICATE_REQUIRED")), ClusterBadAnswer, "may require a client certificate"),
    (httpx.ReadError("x"), ClusterBadAnswer, "cut the connection or did not speak HTTP."),
]


@pytest.mark.parametrize(("error", "words"), CONNECT)
@pytest.mark.parametrize("translate", [read_error, write_error])
def test_error_before_anything_was_sent_is_unreachable(
    translate: Callable[[str, Exception], ClusterError], error: Exception, words: str
) -> None:
    found = translate(HOST, error)
    assert type(found) is ClusterUnreachable
    assert str(found).startswith(f"{HOST} ")
    assert words in str(found)


@pytest.mark.parametrize(("error", "kind", "words"), READ)
def test_error_of_a_read_names_host_and_reason(error: Exception, kind: type[ClusterError], words: str) -> None:
    found = read_error(HOST, error)
    assert type(found) is kind
    assert str(found).startswith(f"{HOST} ")
    assert words in str(found)


@pytest.mark.parametrize("error", [each for each, _, _ in READ])
def test_error_of_a_write_leaves_its_outcome_unknown(error: Exception) -> None:
    found = write_error(HOST, error)
    assert type(found) is OutcomeUnknown
    assert str(found).endswith("the change may or may not have been applied.")
