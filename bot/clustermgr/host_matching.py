"""Match of typed host names with known addresses, without scheme or port or in another form. No I/O."""

import ipaddress
import re
from collections.abc import Sequence

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")
_PORT = re.compile(r"(.*):([0-9]{1,5})", re.DOTALL)


def split(address: str) -> tuple[str, str]:
    """Return the host in its comparable form (lower case, one form of IPv6) and the port, "" if there is none."""
    bare = _SCHEME.sub("", address.strip().lower()).partition("/")[0]
    whole = _ip(bare.strip("[]"))
    if whole:
        return whole, ""
    match = _PORT.fullmatch(bare)
    name, port = (match[1], match[2]) if match else (bare, "")
    return _ip(name.strip("[]")) or name.removesuffix("."), port


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def alike(known: str, typed: str) -> bool:
    """True if `typed` names the host `known`; without a port it matches every port of that host."""
    (name, port), (other, other_port) = split(known), split(typed)
    return bool(other) and name == other and other_port in {"", port}


def meant(known: Sequence[str], typed: str) -> tuple[str, ...]:
    """The known addresses that `typed` names, each once."""
    return tuple(dict.fromkeys(host for host in known if alike(host, typed)))
