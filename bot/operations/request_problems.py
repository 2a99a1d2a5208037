"""Problems of requests: what is wrong with a typed or stored value, without words. No I/O."""

from enum import StrEnum

from bot.common.errors import Problem
from bot.common.frozen import frozen


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


@frozen
class PeerIdNotWhole(Problem):
    """A peer id is not a whole number."""


@frozen
class PeerIdNotDigits(Problem):
    """The typed peer id is not in plain digits."""

    given: str


@frozen
class PeerIdZero(Problem):
    """The peer id is 0, which the server accepts (docs/clustermgr.md)."""

    use: PeerIdUse


@frozen
class PeerIdOutOfRange(Problem):
    """The peer id is negative, or does not fit into 64 bits."""

    given: str


@frozen
class BadAddress(Problem):
    """The typed address cannot be that of a node."""

    kind: AddressKind
    fault: AddressFault
    given: str


@frozen
class AddressesEqual(Problem):
    """The raft address and the service address of a new member are the same."""

    address: str


@frozen
class FlagMissing(Problem):
    """A request has no yes or no for that argument."""

    argument: str


@frozen
class BadTaskName(Problem):
    """The text cannot be the name of a background task."""


@frozen
class BadDiskId(Problem):
    """The id of a disk is not a whole number between 1 and 2^32-1."""


@frozen
class BadNodeId(Problem):
    """The id of a node is not a whole number between 1 and 2^32-1."""


@frozen
class BadDiskCount(Problem):
    """A request names no disk, or more than `most`."""

    most: int


@frozen
class DiskTwice(Problem):
    """A request names a disk twice."""

    disk: int


@frozen
class BadLease(Problem):
    """The lease of a switch is too short or too long."""


@frozen
class RequestIncomplete(Problem):
    """A stored request of that kind lacks a value."""

    kind: str


@frozen
class ReplacesItself(Problem):
    """The new member has the id of the dead one."""

    peer: int


@frozen
class NoReplacementNeeded(Problem):
    """The member to replace is healthy."""

    peer: int
