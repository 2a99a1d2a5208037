"""UnitOfWork: everything that one transaction may do, by concept."""

from collections.abc import Callable

from bot.store.alerts import Alerts
from bot.store.audit import Audit
from bot.store.channels import Channels
from bot.store.detours import Detours
from bot.store.dump import Dump
from bot.store.expiry import Expiry
from bot.store.firings import Firings
from bot.store.guards import Guards
from bot.store.inbound import Inbound
from bot.store.link import Link
from bot.store.memory import Memory
from bot.store.operations import Operations
from bot.store.posts import Posts
from bot.store.replicas import Replicas
from bot.store.samples import Samples
from bot.store.silences import Silences


class UnitOfWork:
    """One transaction over all of the state: what is changed together is committed together.

    Every method raises StoreError when the database fails; a compare-and-set that lost raises Conflict.
    """

    def __init__(self, link: Link, clock: Callable[[], float], wall: Callable[[], float], owner: str = "") -> None:
        self.alerts = Alerts(link)
        self.silences = Silences(link)
        self.memory = Memory(link)
        self.channels = Channels(link)
        self.operations = Operations(link)
        self.inbound = Inbound(link, owner)
        self.firings = Firings(link)
        self.samples = Samples(link)
        self.outbox = Posts(link, clock)
        self.detours = Detours(link, clock)
        self.audit = Audit(link)
        self.guards = Guards(link)
        self.dump = Dump(link)
        self.replicas = Replicas(link, wall)
        self.expiry = Expiry(link)
