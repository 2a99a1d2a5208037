"""From the HTTP library's exceptions to errors of our tree: what each of them means for a read and for a write."""

import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

import httpx

from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterTimeout, ClusterUnreachable, OutcomeUnknown

E = TypeVar("E", bound=BaseException)


class Unbounded(Exception):
    """An answer beyond a bound; the text says which, as in "sent more than 9 bytes"."""


TROUBLES = (TimeoutError, httpx.TimeoutException, httpx.RequestError, httpx.InvalidURL, Unbounded)
"""All that a request can raise."""
CUT = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)
"""The connection ended, or what came over it is no HTTP."""


def read_trouble(host: str, error: Exception) -> ClusterError:
    """The error of a read."""
    if _nothing_sent(error):
        return _unreachable(host, error)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return ClusterTimeout(f"{host} gave no answer in time.", host=host)
    if isinstance(error, Unbounded):
        return ClusterBadAnswer(f"{host} {error}: is it a Clustermgr?", host=host)
    if words := _tls_words(error):
        return ClusterBadAnswer(f"{host} {words}", host=host)
    return ClusterBadAnswer(f"{host} cut the connection or did not speak HTTP.", host=host)


def write_trouble(host: str, error: Exception) -> ClusterError:
    """The error of a write: unless nothing was sent, its outcome is unknown."""
    if _nothing_sent(error):
        return _unreachable(host, error)
    slow = isinstance(error, TimeoutError | httpx.TimeoutException)
    what = "gave no answer in time" if slow else "gave no readable answer"
    return OutcomeUnknown(f"{host} {what}; the change may or may not have been applied.", host=host)


def _nothing_sent(error: Exception) -> bool:
    return isinstance(
        error,
        httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.InvalidURL | httpx.UnsupportedProtocol,
    )


def _unreachable(host: str, error: Exception) -> ClusterUnreachable:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return ClusterUnreachable(f"{host} took no connection in time.", host=host)
    if _caused_by(error, socket.gaierror):
        return ClusterUnreachable(f"{host} is a name that cannot be found (DNS).", host=host)
    if words := _tls_words(error):
        return ClusterUnreachable(f"{host} {words}", host=host)
    if _caused_by(error, ConnectionRefusedError):
        return ClusterUnreachable(f"{host} refuses connections.", host=host)
    if _caused_by(error, ConnectionResetError) or host.startswith("https://"):
        return ClusterUnreachable(f"{host} cut the connection before anything was sent.", host=host)
    return ClusterUnreachable(f"{host} refuses connections.", host=host)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it comes from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _caused_by(error: BaseException, kind: type[E]) -> E | None:
    """The first of its causes that is of that kind, None when none is."""
    return next((cause for cause in _causes(error) if isinstance(cause, kind)), None)


_CERTIFICATE = {
    9: "that is not valid yet: look at the clocks of both machines",
    10: "that has expired: renew it on the host",
    18: "that it signed itself: name that certificate under ca_file of the cluster",
    62: "that is made for another name: write in hosts the name that the certificate holds",
    64: "that is made for another address: write in hosts the name that the certificate holds",
}
"""OpenSSL's reasons (X509_V_ERR_…) as the end of a sentence."""
_UNKNOWN_SIGNER = "whose signer is not trusted here: name the signer's certificate under ca_file of the cluster"
_OWN_CERTIFICATE = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE")
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")


def _tls_words(error: BaseException) -> str:
    """What is wrong with TLS there, "" when it is not TLS; the certificate's own text is not repeated."""
    found = _caused_by(error, ssl.SSLError)
    if found is None or isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ""
    if isinstance(found, ssl.SSLCertVerificationError):
        return f"shows a certificate {_CERTIFICATE.get(found.verify_code, _UNKNOWN_SIGNER)}."
    reason = found.reason or ""
    if any(part in reason for part in _NOT_TLS):
        return "does not speak TLS: take https:// away from it in hosts, or turn TLS on there."
    if any(part in reason for part in _OWN_CERTIFICATE):
        return "ends the TLS handshake: it may ask for a client certificate, which cmbot has none of."
    return "cannot agree with cmbot on how to speak TLS: look at the TLS versions and ciphers that it allows."
