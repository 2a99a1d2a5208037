"""TLS contexts that clusters share: the same object, until the certificates of the system change."""

import os
from pathlib import Path

import pytest
import trustme

from bot.clustermgr.tls_contexts import trusts_nothing, trusts_system


def test_certificates_of_the_system_are_read_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    trustme.CA().cert_pem.write_to_path(file)
    first = trusts_system()
    assert trusts_system() is first
    os.utime(file, ns=(1, 1))
    trustme.CA().cert_pem.write_to_path(file, append=True)
    second = trusts_system()
    assert (len(first.get_ca_certs()), len(second.get_ca_certs())) == (1, 2)


def test_an_empty_context_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is silent about a file that it cannot open, for instance without a free descriptor."""
    file = tmp_path / "ca.pem"
    file.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    before = file.stat()
    assert trusts_system().get_ca_certs() == []
    trustme.CA().cert_pem.write_to_path(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(trusts_system().get_ca_certs()) == 1


def test_without_tls_nothing_is_trusted() -> None:
    assert trusts_nothing() is trusts_nothing()
    assert trusts_nothing().get_ca_certs() == []
