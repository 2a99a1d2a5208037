"""TLS to a cluster: the authorities that it is trusted by, and the certificate that cmbot shows to it."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from bot.common.errors import ConfigError, system_words
from bot.config import ClusterSettings


@dataclass(slots=True)
class TlsContexts:
    """The TLS contexts of clusters. Those with the same files share one: the system's certificates take megabytes."""

    _made: dict[tuple[Path | None, Path | None, Path | None], ssl.SSLContext] = field(default_factory=dict)

    def of(self, own: ClusterSettings) -> ssl.SSLContext | None:
        """Return the TLS context of a cluster with the files of its settings, None without any.

        Raises ConfigError that names the key and the file.
        """
        files = own.ca_file, own.cert_file, own.key_file
        if own.ca_file is None and own.cert_file is None:
            return None
        if files not in self._made:
            self._made[files] = _made(own)
        return self._made[files]


def _made(own: ClusterSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=own.ca_file)
    except (OSError, ValueError) as error:
        raise _wrong(own, "ca_file", own.ca_file, "cannot be read as certificates; name a PEM file") from error
    if own.cert_file is not None:
        _show(own, context, own.cert_file, own.key_file)
    return context


def _show(own: ClusterSettings, context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    _readable(own, "cert_file", certificate)
    if key is not None:
        _readable(own, "key_file", key)
    try:
        # With an empty password: else OpenSSL asks for that of an encrypted key at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        held = f"with the key in {str(key)!r}" if key else "with its key"
        why = getattr(error, "reason", "") or "no PEM file"
        raise _wrong(
            own,
            "cert_file",
            certificate,
            f"cannot be used as a certificate {held} ({why}); both must be PEM files of one pair, the key unencrypted",
        ) from error


def _readable(own: ClusterSettings, key: str, path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise _wrong(own, key, path, f"cannot be read ({system_words(error)}); name a PEM file") from error
    except ValueError as error:
        raise _wrong(own, key, path, "is no name of a file; name a PEM file") from error


def _wrong(own: ClusterSettings, key: str, path: Path | None, words: str) -> ConfigError:
    return ConfigError(f"clusters.{own.name}.{key} = {str(path)!r}: {words}.")
