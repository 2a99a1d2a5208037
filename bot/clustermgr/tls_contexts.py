"""TLS contexts that all clusters without certificates of their own share.

A context takes 14 kB, and with the certificates of the system megabytes and 20 ms.
"""

import ssl
from functools import cache, lru_cache
from pathlib import Path


@cache
def trusts_nothing() -> ssl.SSLContext:
    """A context that trusts no certificate: plain HTTP needs none."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusts_system() -> ssl.SSLContext:
    """A context that trusts the certificates of the system; once their files have changed, another one.

    An empty one is not kept: the library does not say that it could not open a file.
    """
    found = ssl.get_default_verify_paths()
    context = _loaded(*((path, _changed_at(path)) for path in (found.cafile, found.capath)))
    if not context.cert_store_stats()["x509"]:
        _loaded.cache_clear()
    return context


@lru_cache(1)
def _loaded(*_files: tuple[str | None, int]) -> ssl.SSLContext:
    return ssl.create_default_context()


def _changed_at(path: str | None) -> int:
    """The time of the last change in nanoseconds, 0 without such a file."""
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0
