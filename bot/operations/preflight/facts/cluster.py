"""Facts of the raft group as a whole: which hosts answered, and which peer leads."""

from bot.common.frozen import frozen
from bot.operations.preflight.verdict import Fact


@frozen
class LeaderIs(Fact):
    """A peer leads in a term; `host` is its own host."""

    peer: int
    term: int
    host: str


@frozen
class LeaderReadOnly(Fact):
    """The leader's own configuration has `read_only`."""


@frozen
class HostsAreMembers(Fact):
    """Every configured host that answered is a member."""


@frozen
class StrangeHost:
    """A host that answers as a node which is no member."""

    host: str
    node: int


@frozen
class StrangeHosts(Fact):
    """Configured hosts that are no members of the raft group."""

    hosts: tuple[StrangeHost, ...]


@frozen
class NoHostAnswered(Fact):
    """None of the configured hosts answered; `hosts` is their number."""

    hosts: int


@frozen
class NodeIdMissing(Fact):
    """Hosts that report no node id."""

    hosts: tuple[str, ...]


@frozen
class NodeIdShared(Fact):
    """Several hosts that answer as the same node."""

    node: int
    hosts: tuple[str, ...]


@frozen
class NamedLeader:
    """The leader that a host names."""

    host: str
    peer: int


@frozen
class TwoLeaders(Fact):
    """The hosts name different leaders in one term."""

    term: int
    named: tuple[NamedLeader, ...]


@frozen
class NoLeaderNamed(Fact):
    """No host that answered names a leader in the newest term."""

    term: int


@frozen
class LeaderDenied(Fact):
    """The named leader's own host does not say that it leads."""

    peer: int
    term: int
    host: str


@frozen
class LeaderUnplaced(Fact):
    """A leader is named, no host that answered is that peer, and some hosts did not answer."""

    peer: int
    term: int
    silent: tuple[str, ...]


@frozen
class LeaderNotConfigured(Fact):
    """All hosts answered, and none of them is the leader; `called` is the address the others give it, or ""."""

    peer: int
    term: int
    called: str


@frozen
class LeaderOutdated(Fact):
    """A host leads in an older term than other hosts report."""

    host: str
    term: int
    ahead: tuple[str, ...]
    newest: int


@frozen
class LeaderNotListed(Fact):
    """The leader does not list itself once among its own voters."""

    peer: int
