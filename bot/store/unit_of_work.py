"""UnitOfWork: one transaction, with a repository for each table or concept."""

from collections.abc import Callable, Sequence

from bot.alerting.receivers import Receiver
from bot.store.audit_guards import Guards
from bot.store.dump import Dump
from bot.store.purge import Expiry
from bot.store.repositories.alert_events import AlertEvents
from bot.store.repositories.alerts import Alerts
from bot.store.repositories.audit import Audit
from bot.store.repositories.channel_history import ChannelHistories
from bot.store.repositories.cluster_state import ClusterStates
from bot.store.repositories.codes import Codes
from bot.store.repositories.external_alerts import ExternalAlerts
from bot.store.repositories.facts import Facts
from bot.store.repositories.inbox import InboxRows
from bot.store.repositories.notes import Notes
from bot.store.repositories.operations import Operations
from bot.store.repositories.outbox import OutboxMessages
from bot.store.repositories.outbox_fallback import FallbackMessages
from bot.store.repositories.outputs import Outputs
from bot.store.repositories.replicas import Replicas
from bot.store.repositories.samples import Samples
from bot.store.repositories.scheduled_runs import ScheduledRuns
from bot.store.repositories.silences import Silences
from bot.store.repositories.workspaces import Workspaces
from bot.store.session import Session


class UnitOfWork:
    """One transaction over all tables: it commits all changes or none.

    Every method raises StoreError if the database fails; a lost compare-and-set raises Conflict.
    """

    def __init__(
        self,
        session: Session,
        clock: Callable[[], float],
        wall: Callable[[], float],
        owner: str = "",
        receivers: Sequence[Receiver] = (),
    ) -> None:
        self.alerts = Alerts(session)
        self.silences = Silences(session)
        self.notes = Notes(session)
        self.alert_events = AlertEvents(session)
        self.cluster_states = ClusterStates(session)
        self.channel_histories = ChannelHistories(session)
        self.operations = Operations(session)
        self.inbox = InboxRows(session, owner)
        self.scheduled_runs = ScheduledRuns(session)
        self.samples = Samples(session)
        self.outbox = OutboxMessages(session, clock)
        self.fallback = FallbackMessages(session, clock)
        self.outputs = Outputs(session, clock, receivers)
        self.external_alerts = ExternalAlerts(session)
        self.audit = Audit(session)
        self.guards = Guards(session)
        self.dump = Dump(session)
        self.replicas = Replicas(session, wall)
        self.workspaces = Workspaces(session)
        self.facts = Facts(session)
        self.codes = Codes(session)
        self.expiry = Expiry(session)
