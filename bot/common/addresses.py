"""Network addresses compared as what they mean, not as they are spelled. No I/O: a name is not looked up."""

import ipaddress
import re
from urllib.parse import unquote

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_PORTS = {"http": "80", "https": "443"}
_DIGITS = re.compile(r"[0-9]{1,10}")


def place(address: str) -> str:
    """The canonical `name:port` of an address; two addresses mean the same place when their canonical forms agree.

    Letter case, a scheme, a closing slash, the trailing dot of a name, leading zeros of a port, and the many spellings
    of an IPv6 address (IPv4-mapped ones and zone ids included) make no difference. Text that is no address stays as it
    is, in lower case.
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
    """True when both addresses mean the same place; an empty one means none."""
    return bool(one and other) and place(one) == place(other)


def _split(bare: str) -> tuple[str, str]:
    """Name and port; the port is "" where there is none."""
    if bare.startswith("["):
        name, _, rest = bare.partition("]")
        return f"{name}]", rest.removeprefix(":")
    if bare.count(":") != 1:
        return bare, ""
    name, _, port = bare.partition(":")
    return name, port


def _name(name: str) -> str:
    """A name in its canonical form: IPv6 in brackets, an IPv4-mapped address as IPv4, no trailing dot."""
    found = _ip(unquote(name.removeprefix("[").removesuffix("]")))
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped) if found.ipv4_mapped else f"[{found}]"
    return str(found) if found else name.removesuffix(".")


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
