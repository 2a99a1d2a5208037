"""Words for the problems of requests. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.operations import request_problems as p
from bot.operations.addresses import MAX_PORT
from bot.operations.request_problems import AddressFault, AddressKind, PeerIdUse
from bot.views.text import harmless_code

_ZERO: Mapping[PeerIdUse, str] = MappingProxyType(
    {
        # Such a member is invisible and cannot be removed; nodes of v3.2 and later panic at their next start.
        PeerIdUse.ADD: "the server accepts it, and its nodes then panic at their next start",
        PeerIdUse.REMOVE: "no member has it, so there is nothing to remove",
        PeerIdUse.LEAD: "no voter has it, so leadership cannot move there",
    }
)
_KINDS: Mapping[AddressKind, str] = MappingProxyType(
    {
        AddressKind.RAFT: "raft address",
        AddressKind.SERVICE: "service address (node=)",
        AddressKind.BLOBNODE: "address of the blobnode",
    }
)
_EXAMPLE = "write name-or-ip:port, as in 10.0.0.4:10110"
_FAULTS: Mapping[AddressFault, str] = MappingProxyType(
    {
        AddressFault.EMPTY: "The {kind} is empty",
        AddressFault.SCHEME: "The {kind} must not have a scheme such as http://",
        AddressFault.COLONS: "The {kind} has more than one colon",
        AddressFault.NO_PORT: "The {kind} has no port",
        AddressFault.PORT: f"The port of the {{kind}} must be a number between 1 and {MAX_PORT}",
        AddressFault.HOST: "The {kind} {given} has no valid host",
        AddressFault.EVERY_INTERFACE: "The {kind} {given} is the address of every interface, {reach}",
        AddressFault.MANY_MACHINES: "The {kind} {given} is an address of many machines, {reach}",
        AddressFault.LINK_LOCAL: "The {kind} {given} is a link-local address, {reach}",
    }
)


def peer_id_not_whole(_: p.PeerIdNotWhole) -> str:
    """The id is no whole number."""
    return "A peer id is a whole number between 1 and 2^64-1: `/cm members` lists the ids."


def peer_id_not_digits(problem: p.PeerIdNotDigits) -> str:
    """The id is not in plain digits."""
    given = f"{harmless_code(problem.given)} is not" if problem.given else "none was given"
    return f"A peer id is a whole number in plain digits, as in 4; {given}."


def peer_id_zero(problem: p.PeerIdZero) -> str:
    """The id is 0."""
    return f"Peer id 0 cannot be used: {_ZERO[problem.use]}. `/cm members` lists the ids."


def peer_id_out_of_range(problem: p.PeerIdOutOfRange) -> str:
    """The id is too small or too large."""
    return f"Peer id {harmless_code(problem.given)} is out of range: it must be between 1 and 2^64-1."


def bad_address(problem: p.BadAddress) -> str:
    """The address cannot be that of a node."""
    fault = _FAULTS[problem.fault].format(
        kind=_KINDS[problem.kind], given=harmless_code(problem.given), reach="which no other node can reach"
    )
    also = ", and an IPv6 address as [fd00::4]:10110" if problem.fault is AddressFault.COLONS else ""
    return f"{fault}: {_EXAMPLE}{also}."


def addresses_equal(problem: p.AddressesEqual) -> str:
    """The two addresses of a node are one."""
    return (
        f"The raft address and the service address (node=) are both {harmless_code(problem.address)}: "
        "a node has two ports; `/cm members` shows those of the others."
    )


def flag_missing(problem: p.FlagMissing) -> str:
    """A yes or no is missing."""
    return f"The request has no yes or no for {problem.argument}: type the command again."


def bad_task_name(_: p.BadTaskName) -> str:
    """The name of a task is malformed."""
    return "A task's name has small letters and underscores, as in `disk_repair`: see `/cm tasks`."


def bad_disk_id(_: p.BadDiskId) -> str:
    """The id of a disk is malformed."""
    return "A disk id is a whole number between 1 and 2^32-1: `/cm disks` lists the ids."


def bad_node_id(_: p.BadNodeId) -> str:
    """The id of a node is malformed."""
    return "A node id is a whole number between 1 and 2^32-1: type the command again with the host of the node."


def bad_disk_count(problem: p.BadDiskCount) -> str:
    """Too few or too many disks."""
    return f"Name between 1 and {problem.most} disks, as in `/cm disk offline 7 8`."


def disk_twice(problem: p.DiskTwice) -> str:
    """A disk is named twice."""
    return f"Disk #{problem.disk} is named twice: name each disk once."


def bad_lease(_: p.BadLease) -> str:
    """The lease is too short or too long."""
    return "for= takes a time between 1m and 30d, as in for=2h."


def request_incomplete(problem: p.RequestIncomplete) -> str:
    """A stored request lacks a value."""
    return f"The stored request ({problem.kind}) is not complete: type the command again."


def replaces_itself(problem: p.ReplacesItself) -> str:
    """The new member has the id of the dead one."""
    return f"Peer {problem.peer} cannot replace itself: give the new node another id."


def no_replacement_needed(problem: p.NoReplacementNeeded) -> str:
    """The member is healthy."""
    return (
        f"Peer {problem.peer} is healthy, so it needs no replacement. To move it to another machine, first add "
        f"the new node, then remove peer {problem.peer}."
    )
