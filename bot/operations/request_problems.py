"""Problems of requests: what is wrong with a typed or stored value, without words. No I/O."""

from dataclasses import dataclass
from enum import StrEnum

from bot.common.errors import Problem


class PeerIdUse(StrEnum):
    """Use of a peer id in a request; it decides why 0 is wrong."""

    ADD = "add"
    REMOVE = "remove"
    LEAD = "lead"


class AddressKind(StrEnum):
    """Kind of address of a node."""

    RAFT = "raft"
    SERVICE = "service"
    BLOBNODE = "blobnode"


class AddressFault(StrEnum):
    """Fault of a typed address; the last three are IP addresses that no other node can reach."""

    EMPTY = "empty"
    SCHEME = "scheme"
    COLONS = "colons"
    NO_PORT = "no_port"
    PORT = "port"
    HOST = "host"
    EVERY_INTERFACE = "every_interface"
    MANY_MACHINES = "many_machines"
    LINK_LOCAL = "link_local"


@dataclass(frozen=True, slots=True)
class PeerIdNotWhole(Problem):
    """A peer id is not a whole number."""


@dataclass(frozen=True, slots=True)
class PeerIdNotDigits(Problem):
    """The typed peer id is not in plain digits."""

    given: str


@dataclass(frozen=True, slots=True)
class PeerIdZero(Problem):
    """The peer id is 0, which the server accepts (docs/clustermgr.md)."""

    use: PeerIdUse


@dataclass(frozen=True, slots=True)
class PeerIdOutOfRange(Problem):
    """The peer id is negative, or does not fit into 64 bits."""

    given: str


@dataclass(frozen=True, slots=True)
class BadAddress(Problem):
    """The typed address cannot be that of a node."""

    kind: AddressKind
    fault: AddressFault
    given: str


@dataclass(frozen=True, slots=True)
class AddressesEqual(Problem):
    """The raft address and the service address of a new member are the same."""

    address: str


@dataclass(frozen=True, slots=True)
class FlagMissing(Problem):
    """A request has no yes or no for that argument."""

    argument: str


@dataclass(frozen=True, slots=True)
class BadTaskName(Problem):
    """The text cannot be the name of a background task."""


@dataclass(frozen=True, slots=True)
class BadDiskId(Problem):
    """The id of a disk is not a whole number between 1 and 2^32-1."""


@dataclass(frozen=True, slots=True)
class BadNodeId(Problem):
    """The id of a node is not a whole number between 1 and 2^32-1."""


@dataclass(frozen=True, slots=True)
class BadDiskCount(Problem):
    """A request names no disk, or more than `most`."""

    most: int


@dataclass(frozen=True, slots=True)
class DiskTwice(Problem):
    """A request names a disk twice."""

    disk: int


@dataclass(frozen=True, slots=True)
class BadLease(Problem):
    """The lease of a switch is too short or too long."""


@dataclass(frozen=True, slots=True)
class RequestIncomplete(Problem):
    """A stored request of that kind lacks a value."""

    kind: str


@dataclass(frozen=True, slots=True)
class ReplacesItself(Problem):
    """The new member has the id of the dead one."""

    peer: int


@dataclass(frozen=True, slots=True)
class NoReplacementNeeded(Problem):
    """The member to replace is healthy."""

    peer: int
