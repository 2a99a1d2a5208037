"""Peer ids and network addresses as people type them, with one sentence for each error."""

import ipaddress
import re

from bot.common.addresses import place
from bot.common.errors import UserError

MAX_PEER_ID = 2**64 - 1
"""Largest peer id: the server stores an unsigned 64-bit number."""
MAX_PORT = 65535
_MAX_NAME = 253
_SHOWN = 40
_DIGITS = re.compile(r"-?[0-9]+")
_HARMLESS = re.compile(r"[A-Za-z0-9._:/\[\]-]+")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_EXAMPLE = "write name-or-ip:port, as in 10.0.0.4:10110"


def shown(text: str) -> str:
    """Quote foreign text in a sentence if all its characters are harmless in a chat, cut to 40 characters."""
    if not _HARMLESS.fullmatch(text):
        return "the given text" if text else "nothing"
    return f"`{text}`" if len(text) <= _SHOWN else f"`{text[:_SHOWN]}…`"


ZERO_ADDED = "the server accepts it, and its nodes then panic at their next start"
"""Such a member is invisible and cannot be removed; nodes of v3.2 and later panic at their next start."""
ZERO_REMOVED = "no member has it, so there is nothing to remove"
ZERO_LEADS = "no voter has it, so leadership cannot move there"


def check_peer_id(value: object, zero: str = ZERO_ADDED) -> int:
    """Check a peer id; raises UserError unless it is a whole number between 1 and 2^64-1.

    `zero` says why 0 is wrong, though the server accepts it (docs/clustermgr.md).
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError("A peer id is a whole number between 1 and 2^64-1: `/cm members` lists the ids.")
    if value == 0:
        raise UserError(f"Peer id 0 cannot be used: {zero}. `/cm members` lists the ids.")
    if not 0 < value <= MAX_PEER_ID:
        raise UserError(f"Peer id {shown(str(value))} is out of range: it must be between 1 and 2^64-1.")
    return value


def parse_peer_id(text: str, zero: str = ZERO_ADDED) -> int:
    """Parse a typed peer id: plain ASCII digits; raises UserError."""
    if not _DIGITS.fullmatch(text):
        raise UserError(f"A peer id is a whole number in plain digits, as in 4; {shown(text)} is not.")
    if len(text) > len(str(MAX_PEER_ID)):
        raise UserError(f"Peer id {shown(text)} is out of range: it must be between 1 and 2^64-1.")
    return check_peer_id(int(text), zero)


def parse_address(text: object, what: str) -> str:
    """Parse a bare `name-or-ip:port` to its canonical form (IPv6 in brackets); `what` names it in the UserError.

    The server itself accepts anything, even a scheme or an empty text (docs/clustermgr.md).
    """
    if not isinstance(text, str) or not text:
        raise UserError(f"The {what} is empty: {_EXAMPLE}.")
    if "://" in text:
        raise UserError(f"The {what} must not have a scheme such as http://: {_EXAMPLE}.")
    name, colon, port = text.rpartition(":")
    if text.count(":") > 1 and not name.startswith("["):
        raise UserError(f"The {what} has more than one colon: {_EXAMPLE}, and an IPv6 address as [fd00::4]:10110.")
    if not colon or not port:
        raise UserError(f"The {what} has no port: {_EXAMPLE}.")
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > MAX_PORT:
        raise UserError(f"The port of the {what} must be a number between 1 and {MAX_PORT}: {_EXAMPLE}.")
    if not _is_host(name):
        raise UserError(f"The {what} {shown(text)} has no valid host: {_EXAMPLE}.")
    if kind := _no_node(name):
        raise UserError(f"The {what} {shown(text)} is {kind}, which no other node can reach: {_EXAMPLE}.")
    return place(text)


def _is_host(name: str) -> bool:
    if name.startswith("["):
        return name.endswith("]") and _is_ip(name[1:-1], ipaddress.IPv6Address)
    if re.fullmatch(r"[0-9.]+", name):
        return _is_ip(name, ipaddress.IPv4Address)
    labels = name.removesuffix(".").split(".")
    # A name that ends in a number is an IPv4 address in another spelling to most resolvers (0x7f000001, 127.1).
    numeric = _NUMERIC.fullmatch(labels[-1]) is not None
    return len(name) <= _MAX_NAME and not numeric and all(_LABEL.fullmatch(label) for label in labels)


def _no_node(name: str) -> str:
    """Kind of IP address that no member can have, "" for any other name."""
    try:
        ip = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return ""
    ip = getattr(ip, "ipv4_mapped", None) or ip
    kinds = (
        (ip.is_unspecified, "the address of every interface"),
        (ip.is_multicast or ip == _BROADCAST, "an address of many machines"),
        (ip.is_link_local, "a link-local address"),
    )
    return next((kind for holds, kind in kinds if holds), "")


def _is_ip(text: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    # A zone index ("%eth0") means another interface on each node.
    return "%" not in text
