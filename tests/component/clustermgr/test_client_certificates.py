"""Client certificates: shown to a cluster that demands one, over real TLS; errors name the file."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from bot.clustermgr.client import ClustermgrClient
from bot.common.errors import ClusterError, ConfigError
from bot.config import ClusterSettings, Secrets, parse
from bot.runtime.tls import TlsContexts
from tests.support.raw_server import says, serving


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files in one folder; `demanding` is the TLS of a server that takes only clients of the authority."""

    folder: Path
    authority: trustme.CA

    def path(self, name: str) -> Path:
        return self.folder / name

    def issue(self, authority: trustme.CA, name: str = "client") -> None:
        held = authority.issue_cert(f"{name}.example")
        self.path(f"{name}.pem").write_bytes(b"".join(each.bytes() for each in held.cert_chain_pems))
        self.path(f"{name}.key").write_bytes(held.private_key_pem.bytes())

    @property
    def demanding(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def cluster(self, **keys: Path) -> ClusterSettings:
        written = "".join(f", {key}: {path}" for key, path in {"ca_file": self.path("ca.pem"), **keys}.items())
        text = f'clusters: [{{name: prod, hosts: ["https://127.0.0.1:1"], alert_channel: C0STORAGE{written}}}]'
        return parse(text, secrets=Secrets(), environment={}).clusters[0]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path, trustme.CA())
    made.path("ca.pem").write_bytes(made.authority.cert_pem.bytes())
    made.issue(made.authority)
    return made


async def asked(own: ClusterSettings, demanding: ssl.SSLContext) -> str:
    """What a cluster that demands a certificate answers, else the error in words."""
    async with serving(says(200, '"true"'), context=demanding) as server:
        async with ClustermgrClient([f"https://{server.host}"], context=TlsContexts().of(own)) as api:
            try:
                return await api.config_get("balance") or ""
            except ClusterError as error:
                return str(error)


async def test_certificate_is_shown(files: Files) -> None:
    own = files.cluster(cert_file=files.path("client.pem"), key_file=files.path("client.key"))
    assert await asked(own, files.demanding) == "true"


async def test_one_file_may_have_both(files: Files) -> None:
    both = files.path("both.pem")
    both.write_bytes(files.path("client.key").read_bytes() + files.path("client.pem").read_bytes())
    assert await asked(files.cluster(cert_file=both), files.demanding) == "true"


async def test_missing_and_foreign_certificates_are_named(files: Files) -> None:
    assert "see cert_file of the cluster" in await asked(files.cluster(), files.demanding)
    files.issue(trustme.CA(), "foreign")
    own = files.cluster(cert_file=files.path("foreign.pem"), key_file=files.path("foreign.key"))
    assert "see cert_file of the cluster" in await asked(own, files.demanding)


def test_clusters_with_the_same_files_share_a_context(files: Files) -> None:
    """Not with one that shows another certificate."""
    tls = TlsContexts()
    shown = {"cert_file": files.path("client.pem"), "key_file": files.path("client.key")}
    assert tls.of(files.cluster()) is tls.of(files.cluster())
    assert tls.of(files.cluster(**shown)) is tls.of(files.cluster(**shown))
    assert tls.of(files.cluster(**shown)) is not tls.of(files.cluster())


def refusal(own: ClusterSettings) -> str:
    with pytest.raises(ConfigError) as refused:
        TlsContexts().of(own)
    return str(refused.value)


def test_errors_name_the_file(files: Files) -> None:
    cert, key, none, other = (files.path(name) for name in ("client.pem", "client.key", "none.pem", "other.key"))
    assert refusal(files.cluster(cert_file=none)).startswith(f"clusters.prod.cert_file = '{none}': cannot be read (")
    own = files.cluster(cert_file=cert, key_file=none)
    assert refusal(own).startswith(f"clusters.prod.key_file = '{none}': cannot be read (")
    assert refusal(files.cluster(ca_file=none)).startswith(f"clusters.prod.ca_file = '{none}': ")
    other.write_bytes(trustme.CA().issue_cert("other.example").private_key_pem.bytes())
    words = f"clusters.prod.cert_file = '{cert}': cannot be used as a certificate with the key in '{other}'"
    assert refusal(files.cluster(cert_file=cert, key_file=other)).startswith(words)
    assert "cannot be used as a certificate with its key" in refusal(files.cluster(cert_file=cert))
    cert.write_text("no certificate")
    assert "cannot be used as a certificate" in refusal(files.cluster(cert_file=cert, key_file=key))
    with pytest.raises(ConfigError, match="key_file needs cert_file"):
        files.cluster(key_file=key)
