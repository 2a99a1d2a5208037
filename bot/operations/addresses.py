"""Peer ids and network addresses as people type them. No I/O."""

import ipaddress
import re

from bot.common.addresses import place
from bot.common.errors import Refused
from bot.operations.request_problems import (
    AddressFault,
    AddressKind,
    BadAddress,
    PeerIdNotDigits,
    PeerIdNotWhole,
    PeerIdOutOfRange,
    PeerIdUse,
    PeerIdZero,
)

MAX_PEER_ID = 2**64 - 1
"""Largest peer id: the server stores an unsigned 64-bit number."""
MAX_PORT = 65535
_MAX_NAME = 253
_DIGITS = re.compile(r"-?[0-9]+")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def check_peer_id(value: object, use: PeerIdUse = PeerIdUse.ADD) -> int:
    """Check a peer id; raises Refused unless it is a whole number between 1 and 2^64-1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(PeerIdNotWhole())
    if value == 0:
        raise Refused(PeerIdZero(use))
    if not 0 < value <= MAX_PEER_ID:
        raise Refused(PeerIdOutOfRange(str(value)))
    return value


def parse_peer_id(text: str, use: PeerIdUse = PeerIdUse.ADD) -> int:
    """Parse a typed peer id: plain ASCII digits; raises Refused."""
    if not _DIGITS.fullmatch(text):
        raise Refused(PeerIdNotDigits(text))
    if len(text) > len(str(MAX_PEER_ID)):
        raise Refused(PeerIdOutOfRange(text))
    return check_peer_id(int(text), use)


def parse_address(text: object, kind: AddressKind) -> str:
    """Parse a bare `name-or-ip:port` to its canonical form (IPv6 in brackets); raises Refused.

    The server itself accepts anything, even a scheme or an empty text (docs/clustermgr.md).
    """
    given = text if isinstance(text, str) else ""
    if fault := _fault(given):
        raise Refused(BadAddress(kind, fault, given))
    return place(given)


def _fault(text: str) -> AddressFault | None:
    if not text:
        return AddressFault.EMPTY
    if "://" in text:
        return AddressFault.SCHEME
    name, colon, port = text.rpartition(":")
    if text.count(":") > 1 and not name.startswith("["):
        return AddressFault.COLONS
    if not colon or not port:
        return AddressFault.NO_PORT
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > MAX_PORT:
        return AddressFault.PORT
    return _unreachable(name) if _is_host(name) else AddressFault.HOST


def _is_host(name: str) -> bool:
    if name.startswith("["):
        return name.endswith("]") and _is_ip(name[1:-1], ipaddress.IPv6Address)
    if re.fullmatch(r"[0-9.]+", name):
        return _is_ip(name, ipaddress.IPv4Address)
    labels = name.removesuffix(".").split(".")
    # A name that ends in a number is an IPv4 address in another spelling to most resolvers (0x7f000001, 127.1).
    numeric = _NUMERIC.fullmatch(labels[-1]) is not None
    return len(name) <= _MAX_NAME and not numeric and all(_LABEL.fullmatch(label) for label in labels)


def _unreachable(name: str) -> AddressFault | None:
    """Return the fault of an IP address that no member can have, None for any other name."""
    try:
        ip = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_unspecified:
        return AddressFault.EVERY_INTERFACE
    if ip.is_multicast or ip == _BROADCAST:
        return AddressFault.MANY_MACHINES
    return AddressFault.LINK_LOCAL if ip.is_link_local else None


def _is_ip(text: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    # A zone index ("%eth0") means another interface on each node.
    return "%" not in text
