"""Whether two texts name the same host: a person leaves out the scheme, the port, or types another form. Pure."""

import ipaddress
import re
from collections.abc import Sequence

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")
_PORT = re.compile(r"(.*):([0-9]{1,5})", re.DOTALL)


def split(address: str) -> tuple[str, str]:
    """The host as it is compared with others (lower case, IPv6 in one form) and the port, "" where there is none."""
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
    """Whether `typed` names the host `known`; without a port it names each of that host's addresses."""
    (name, port), (other, other_port) = split(known), split(typed)
    return bool(other) and name == other and other_port in {"", port}


def meant(known: Sequence[str], typed: str) -> tuple[str, ...]:
    """Those of the known addresses that `typed` names, each once."""
    return tuple(dict.fromkeys(host for host in known if alike(host, typed)))
