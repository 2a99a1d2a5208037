"""A change request: the request, why a person asks for it, and how they want it done. No I/O."""

from bot.common.errors import Refused
from bot.common.frozen import frozen
from bot.operations.policy import Policy, PolicyOf, of_agent
from bot.operations.request_problems import BadLease
from bot.operations.requests import DiskAccess, OpKind, Request, TaskSwitch

MIN_LEASE, MAX_LEASE = 60.0, 30 * 86400.0
"""Shortest and longest lease, in seconds."""


@frozen
class Reversion:
    """The lease that an operation ends: operation `of`, its card's number, and the stored value that it left."""

    of: int
    thread: int
    left: str


@frozen
class PartOf:
    """The series that an operation is a part of: operation `of`, and its card's number."""

    of: int
    thread: int


@frozen
class RequestOptions:
    """How a change is wanted.

    `forced` is break-glass. `lease` in seconds (0: for good) limits a switch in time. `dialect` is "v1", "v3" or ""
    (detected). `policy` names one more policy: that of the replacement of which this is a step; `replaces` are its
    dead and its new peer. `reverts` is set on the operation that ends a lease, `part_of` on one of several
    disks of one approved operation. `begun_after` are the other changes of disks that were running when this one
    began: it counts them, and so they need not count it. `agent` is True if an agent proposed it in the name of its
    requester, who may not approve it then, and for what follows from such a proposal: its parts, the end of its lease.
    """

    forced: bool = False
    lease: float = 0.0
    dialect: str = ""
    policy: str = ""
    replaces: tuple[int, ...] = ()
    reverts: Reversion | None = None
    part_of: PartOf | None = None
    begun_after: tuple[int, ...] = ()
    agent: bool = False

    @property
    def thread(self) -> int:
        """Number of the card in whose thread the operation reports, 0 for its own."""
        other = self.reverts or self.part_of
        return other.thread if other is not None else 0


NO_OPTIONS = RequestOptions()


@frozen
class ChangeRequest:
    """A request, its reason, and how it is wanted; `dry_run` evaluates and proposes nothing.

    Raises Refused when the lease is too short or too long.
    """

    request: Request
    reason: str = ""
    options: RequestOptions = NO_OPTIONS
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.options.lease and not MIN_LEASE <= self.options.lease <= MAX_LEASE:
            raise Refused(BadLease())

    @property
    def policy_keys(self) -> tuple[str, ...]:
        """Names of the policies that decide on it; the strictest one holds in each field."""
        return policy_keys(self.request, self.options)


def policy_keys(request: Request, options: RequestOptions) -> tuple[str, ...]:
    """Return the policies that decide on a request: by its kind, and by all that it is part of or leads to.

    A step of a replacement is a change of members too. A switch with a lease is turned twice, the second time without
    an approval.
    """
    found = [options.policy] if options.policy else []
    if not isinstance(request, TaskSwitch):
        return tuple(dict.fromkeys((*found, _policy_key(request))))
    own, back = ("task_enable", "task_disable") if request.on else ("task_disable", "task_enable")
    return (*found, own, *((back,) if options.lease else ()))


def policy_on(policies: PolicyOf, cluster: str, request: Request, options: RequestOptions) -> Policy:
    """Return the policy of a change on a cluster; that of an agent is stricter."""
    found = policies(cluster, policy_keys(request, options), options.forced)
    return of_agent(found) if options.agent else found


_KEYS = {OpKind.DISKS_OFFLINE: "disk_offline", OpKind.NODE_DROP: "node_offline"}


def _policy_key(request: Request) -> str:
    if isinstance(request, DiskAccess):
        return "disk_readonly" if request.readonly else "disk_writable"
    return _KEYS.get(request.kind, request.kind.value)
