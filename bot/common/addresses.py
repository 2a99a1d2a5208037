"""Network addresses in a canonical form, to compare them. No I/O: names are not resolved."""

import ipaddress
import re
from urllib.parse import unquote

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_PORTS = {"http": "80", "https": "443"}
_DIGITS = re.compile(r"[0-9]{1,10}")


def place(address: str) -> str:
    """Return the canonical `name:port` of an address; two addresses with the same form are the same place.

    Letter case, the scheme, a closing slash, the trailing dot of a name, leading zeros of a port and the spelling of an
    IPv6 address (IPv4-mapped, with a zone id) make no difference. Text that is not an address is only lowered.
    """
    text = address.strip().lower()
    scheme = _SCHEME.match(text)
    bare = text[scheme.end() if scheme else 0 :].rstrip("/")
    name, port = _split(bare)
    if not port and scheme:
        port = _PORTS.get(scheme[1], "")
    if _DIGITS.fullmatch(port):
        port = str(int(port))
    name = _name(name)
    return f"{name}:{port}" if port else name


def same_place(one: str, other: str) -> bool:
    """True if both addresses are the same place; an empty address is no place."""
    return bool(one and other) and (one == other or place(one) == place(other))


def _split(bare: str) -> tuple[str, str]:
    """Return name and port; the port may be ""."""
    if bare.startswith("["):
        name, _, rest = bare.partition("]")
        return f"{name}]", rest.removeprefix(":")
    if bare.count(":") != 1:
        return bare, ""
    name, _, port = bare.partition(":")
    return name, port


def _name(name: str) -> str:
    """Return a name in its canonical form: IPv6 in brackets, an IPv4-mapped address as IPv4, no trailing dot."""
    found = _ip(unquote(name.removeprefix("[").removesuffix("]")))
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped) if found.ipv4_mapped else f"[{found}]"
    return str(found) if found else name.removesuffix(".")


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
