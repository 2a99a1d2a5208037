"""The proxy between cmbot and Slack; clusters are never reached through it. No I/O."""

from urllib.parse import SplitResult, unquote, urlsplit

from bot.common.frozen import frozen

_SECURE = frozenset({"https", "wss"})
EXPECTED = "write the address of an HTTP proxy, as in http://proxy.example.com:3128"


@frozen
class SlackProxy:
    """`url` may have a user and password. `source` is the key or variable that names it.

    `only_secure` leaves out unencrypted addresses, as HTTPS_PROXY means it; `bypass` is a list in the form of NO_PROXY.
    """

    url: str
    source: str
    bypass: str = ""
    only_secure: bool = False

    def __repr__(self) -> str:
        """Return what may be shown."""
        return f"SlackProxy({self.place!r}, {self.source!r})"

    @property
    def place(self) -> str:
        """The host and port of the proxy."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def of(self, address: str) -> str | None:
        """Return the proxy for an address of Slack, None for a direct connection."""
        parts = urlsplit(address)
        if self.only_secure and parts.scheme not in _SECURE:
            return None
        return None if any(_covers(each.strip().lower(), parts) for each in self.bypass.split(",")) else self.url

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password in the address, both as written and decoded."""
        password = urlsplit(self.url).password or ""
        return tuple({each for each in (password, unquote(password)) if each})


def _covers(listed: str, parts: SplitResult) -> bool:
    """True if an entry of NO_PROXY covers an address: `*`, a host, a domain with its subdomains, each with a port."""
    if listed == "*":
        return True
    name, _, port = listed.removeprefix(".").partition(":")
    host = parts.hostname or ""
    if not name or (port and port != str(parts.port)):
        return False
    return host == name or host.endswith(f".{name}")


def proxy_url(value: str) -> str:
    """Return the address of a proxy with its scheme; raises ValueError that does not show it."""
    whole = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(whole)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.path not in {"", "/"} or parts.query:
        raise ValueError(EXPECTED)
    return whole.removesuffix("/")
