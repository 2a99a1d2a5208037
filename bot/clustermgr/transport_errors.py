"""Translation of the HTTP library's exceptions to errors of our tree, for reads and for writes."""

import socket
import ssl
from collections.abc import Iterator
from enum import Enum, auto
from typing import TypeVar

import httpx

from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterTimeout, ClusterUnreachable, OutcomeUnknown

E = TypeVar("E", bound=BaseException)


class Unbounded(Exception):
    """An answer beyond a bound; the text says which, as in "sent more than 9 bytes"."""


REQUEST_ERRORS = (TimeoutError, httpx.TimeoutException, httpx.RequestError, httpx.InvalidURL, Unbounded)
"""All exceptions of a request."""
TIMEOUTS = (TimeoutError, httpx.TimeoutException)
CONNECTION_LOST = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)
"""The connection was cut, or the answer is not HTTP."""


class NoConnection(Enum):
    """Why no connection came about."""

    TIMEOUT = auto()
    DNS = auto()
    TLS = auto()
    REFUSED = auto()
    CUT = auto()


def read_error(host: str, error: Exception) -> ClusterError:
    """Translate the error of a read."""
    if _nothing_sent(error):
        return _unreachable(host, error)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return ClusterTimeout(f"{host} gave no answer in time.", host=host)
    if isinstance(error, Unbounded):
        return ClusterBadAnswer(f"{host} {error}; check that it is a Clustermgr.", host=host)
    if words := tls_error(error):
        return ClusterBadAnswer(f"{host} {words}", host=host)
    # Over TLS 1.3 a host refuses a client after the handshake, and its reason may be lost with the connection.
    hint = "; if it requires a client certificate, see cert_file of the cluster" if host.startswith("https://") else ""
    return ClusterBadAnswer(f"{host} cut the connection or did not speak HTTP{hint}.", host=host)


def write_error(host: str, error: Exception) -> ClusterError:
    """Translate the error of a write: unknown, unless nothing was sent."""
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
    words = {
        NoConnection.TIMEOUT: "accepted no connection in time.",
        NoConnection.DNS: "has a name that DNS does not know.",
        NoConnection.TLS: tls_error(error),
        NoConnection.REFUSED: "refuses connections.",
        NoConnection.CUT: "cut the connection before anything was sent.",
    }
    return ClusterUnreachable(f"{host} {words[no_connection(error, tls=host.startswith('https://'))]}", host=host)


def no_connection(error: Exception, *, tls: bool) -> NoConnection:
    """Why no connection came about, from an error or from our error that it caused; `tls` if the host speaks TLS."""
    if caused_by(error, httpx.ConnectTimeout, httpx.PoolTimeout):
        return NoConnection.TIMEOUT
    if caused_by(error, socket.gaierror):
        return NoConnection.DNS
    if tls_error(error):
        return NoConnection.TLS
    if caused_by(error, ConnectionRefusedError):
        return NoConnection.REFUSED
    return NoConnection.CUT if tls or caused_by(error, ConnectionResetError) else NoConnection.REFUSED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, its cause, the cause of that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def caused_by(error: BaseException | None, *kinds: type[E]) -> E | None:
    """The first error of one of these kinds in the chain of causes, else None."""
    return next((cause for cause in _causes(error) if isinstance(cause, kinds)), None)


_CERTIFICATE = {
    9: "that is not valid yet: check the clocks of both machines",
    10: "that has expired: renew it on the host",
    18: "that it signed itself: name that certificate under ca_file of the cluster",
    62: "that is made for another name: write the name from the certificate in hosts",
    64: "that is made for another address: write the name from the certificate in hosts",
}
"""OpenSSL's reasons (X509_V_ERR_…) as the end of a sentence."""
_UNKNOWN_SIGNER = "whose signer is not trusted here: name the signer's certificate under ca_file of the cluster"
_OWN_CERTIFICATE = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE", "ALERT_UNKNOWN_CA")
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")


def tls_error(error: BaseException) -> str:
    """The TLS fault of the host, "" if the fault is not TLS; without text from the certificate."""
    found = caused_by(error, ssl.SSLError)
    if found is None or isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ""
    if isinstance(found, ssl.SSLCertVerificationError):
        return f"shows a certificate {_CERTIFICATE.get(found.verify_code, _UNKNOWN_SIGNER)}."
    reason = found.reason or ""
    if any(part in reason for part in _NOT_TLS):
        return "does not speak TLS: remove https:// from it in hosts, or turn TLS on at the host."
    if any(part in reason for part in _OWN_CERTIFICATE):
        return (
            "ends the TLS handshake: it may require a client certificate that it trusts; see cert_file of the cluster."
        )
    return "shares no TLS version or cipher with cmbot: check the TLS versions and ciphers that it allows."
