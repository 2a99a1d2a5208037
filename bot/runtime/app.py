"""The composition root: builds every part from the settings and owns what must be closed."""

import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from bot.alerting.grouping import GroupingLimits
from bot.alerting.own_network import OwnNetwork, Seat
from bot.alerting.rules.base import Rule
from bot.alerting.rules.thresholds import configure
from bot.alerting.rules.watchdog import OWN_NETWORK
from bot.chatops.audit_log import AuditLog
from bot.chatops.button_router import ButtonRouter
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.dispatcher import Dispatcher
from bot.chatops.forms.controller import Forms
from bot.chatops.forms.home import OpenNow
from bot.chatops.forms.signing import key_of
from bot.chatops.forms.validation import FormValidator
from bot.chatops.forms.view_versions import ViewVersions
from bot.chatops.inbox import Inbox
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster, look_deadline
from bot.clustermgr.tasks import Dialect
from bot.common.errors import ConfigError
from bot.config import ClusterSettings, Settings, in_file
from bot.delivery.fallback import Fallback
from bot.delivery.worker import Outbox, RateLimit
from bot.leadership.membership import Membership
from bot.leadership.model import HOUSEKEEPING
from bot.operations.change_request import policy_keys
from bot.operations.policy import PolicyOf
from bot.permissions.access import Access
from bot.runtime.clock import Guard, ProcessClock, earliest
from bot.runtime.lifecycle import App
from bot.runtime.settings_mapping import check_words, entries_of, escalation_of, heartbeat_url, policy
from bot.runtime.startup import follow_server, membership_of, opened, owner_name
from bot.runtime.status import StatusReporter
from bot.slack.client import SlackGateway
from bot.slack.home import HomeTab, show_once
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import AckMiddleware, Bolt, Surfaces, build_app
from bot.slack.socket_mode import SocketMode
from bot.slack.task_queue import TaskQueue
from bot.slack.token_status import TokenStatus
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxMessage
from bot.store.retention import Keep, Retention
from bot.telemetry.heartbeat import Heartbeat
from bot.telemetry.loop_lag import LoopLag
from bot.telemetry.metrics import Metrics
from bot.watch.alert_actions import AlertActions
from bot.watch.report_builder import Reports
from bot.watch.scheduled_reports import Summaries
from bot.watch.watchdog import Watchdog
from bot.watch.watcher import Watch, Watched
from bot.workflow.approvals import ApprovalService
from bot.workflow.executor import Executor
from bot.workflow.lease_manager import LeaseClicks, LeaseManager
from bot.workflow.proposals import ProposalService
from bot.workflow.reporting import OperationReport
from bot.workflow.repository import OperationRepository

Clock = Callable[[], float]
LATE_SECONDS = 180.0
"""How old the last look at a cluster may be before cmbot counts as not watching it, and how many looks that is at
least: what other processes saw is noted once a minute."""
LATE_LOOKS = 4


@asynccontextmanager
async def build(
    settings: Settings, *, clock: Clock | None = None, pace: RateLimit | None = None, wait_for_server: float = 0.0
) -> AsyncIterator[App]:
    """Build everything; what was opened is closed when the block ends. Raises ConfigError, StoreError.

    `clock` takes the place of the process's clock and of the system's. A database server that cannot be used just now
    is waited for, `wait_for_server` seconds at most.
    """
    with in_file(str(settings.secrets.cmbot_config)):
        check_words(settings)
        rules = {each.name: configure(settings.rules, each.rules) for each in settings.clusters}
        entries_of(settings)
    async with AsyncExitStack() as stack:
        owner = owner_name()
        wall = clock or time.time
        process_clock = ProcessClock()
        clock = clock or process_clock
        store = await stack.enter_async_context(opened(settings, owner, clock, wall, wait_for_server=wait_for_server))
        await follow_server(process_clock, store)
        token = settings.secrets.slack_bot_token.get_secret_value()
        gateway = await stack.enter_async_context(SlackGateway(token, settings.slack.api_url))
        metrics = Metrics()
        clusters = {each.name: await _cluster(stack, settings, each, clock, metrics) for each in settings.clusters}
        membership = membership_of(settings, store, owner)
        parts = _Parts(settings, clock, wall, store, gateway, clusters, membership, metrics)
        outbox = Outbox(
            store,
            gateway,
            owner=owner,
            clock=clock,
            random=random.random,
            pace=pace,
            on_dead=parts.on_dead,
            wanted=parts.wanted,
            renew=parts.renew,
            alive=lambda: membership.alive,
            posted_after=lambda at: earliest(at, clock(), wall()),
        )
        parts.repository = OperationRepository(store, outbox.wake, clock, owner)
        fallback = settings.alerts.fallback_channel or ""
        parts.fallback = Fallback(store, clock, outbox.wake, parts.repository.withdraw, fallback)
        yield await parts.app(outbox, Inbox(store, owner, clock), rules)


async def _cluster(
    stack: AsyncExitStack, settings: Settings, own: ClusterSettings, clock: Clock, metrics: Metrics
) -> Cluster:
    token = settings.cluster_tokens.get(own.name)
    client = await stack.enter_async_context(
        ClustermgrClient(
            own.hosts,
            secret=token.get_secret_value() if token else None,
            context=_tls(own),
            on_call=partial(metrics.cluster_call, own.name),
        )
    )
    pinned = None if own.dialect == "auto" else Dialect(own.dialect)
    return Cluster(own.name, own.card_channel, client, clock, own.answer_deadline, pinned)


def _tls(own: ClusterSettings) -> ssl.SSLContext | None:
    if own.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=own.ca_file)
    except OSError as error:
        raise ConfigError(
            f"clusters.{own.name}.ca_file = {str(own.ca_file)!r}: cannot be read as certificates; name a PEM file."
        ) from error


class _Parts:
    """What is handed from one builder to the next."""

    repository: OperationRepository
    fallback: Fallback
    rules: Mapping[str, Any]

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        wall: Clock,
        store: Store,
        gateway: SlackGateway,
        clusters: Mapping[str, Cluster],
        membership: Membership,
        metrics: Metrics,
    ) -> None:
        self.settings, self.clock, self.wall, self.store, self.gateway = settings, clock, wall, store, gateway
        self.clusters, self.metrics, self.membership = clusters, metrics, membership
        self.noted: dict[str, Mapping[str, Any]] = {}
        self.entries = entries_of(settings)
        self.reports = self._reports()
        self.gate = InstallationCheck(gateway.identity, lambda: gateway.app_id)

    async def app(self, outbox: Outbox, inbox: Inbox, rules: Mapping[str, Any]) -> App:
        await self._recall()
        self.rules = rules
        within = self.settings.operations.verify_within
        runner = Executor(self.repository, self.clusters, self.clock, within, alive=lambda: self.membership.alive)
        own = self.settings
        access = Access(own.access, self.gateway.group_members, own.policy_groups, own.own_access)
        channels = {own.name: own.alert_channel for own in self.settings.clusters}
        alert_actions = AlertActions(self.store, outbox.wake, self.clock, channels)
        policies = partial(policy, self.settings)
        decisions = ApprovalService(
            self.repository,
            runner,
            access,
            self.clusters,
            policies,
            self.clock,
            LeaseClicks(self.repository),
            self.gateway.members_now,
        )
        forms = self._forms(access, policies, alert_actions)
        proposals = self._desk(decisions, policies, outbox)
        dispatcher = self._dispatcher(access, proposals, decisions, inbox, alert_actions, forms)
        background = TaskQueue()
        bolt = self._bolt(dispatcher, forms, background, inbox)
        watches = self._watches(rules, outbox)
        socket_mode = self._socket(bolt)
        return App(
            settings=self.settings,
            clock=self.clock,
            wall=self.wall,
            guard=Guard(self.clock, self.wall),
            store=self.store,
            gateway=self.gateway,
            clusters=self.clusters,
            outbox=outbox,
            inbox=inbox,
            retention=Retention(self.store, Keep(**self.settings.retention.model_dump()), self.clock),
            repository=self.repository,
            fallback=self.fallback,
            status_reporter=self._liveness(outbox),
            heartbeat=Heartbeat(heartbeat_url(self.settings)),
            runner=runner,
            lease_manager=LeaseManager(self.repository, runner, self.clusters, self.clock),
            dispatcher=dispatcher,
            watches=watches,
            watchdog=Watchdog(watches, self.store, wake=outbox.wake),
            alert_actions=alert_actions,
            summaries=Summaries(self.store, self.reports, wake=outbox.wake, ahead=lambda: self.wall() - self.clock()),
            entries=self.entries,
            background=background,
            bolt=bolt,
            gate=self.gate,
            socket=socket_mode,
            standing=TokenStatus(self.gateway, socket_mode, measure=self.metrics.slack_rejected),
            metrics=self.metrics,
            lag=LoopLag(self.metrics.loop_lag),
            membership=self.membership,
            noted=self.noted,
        )

    def _liveness(self, outbox: Outbox) -> StatusReporter:
        own = self.settings.clusters
        return StatusReporter(
            store=self.store,
            outbox=outbox,
            clock=self.clock,
            hosts={each.name: len(each.hosts) for each in own},
            late={each.name: max(LATE_SECONDS, LATE_LOOKS * each.poll_interval) for each in own},
            noted=self.noted,
            channels=[each.channel for each in self.settings.status],
            began=self.clock(),
            leads=lambda: self.membership.hold(HOUSEKEEPING) is not None,
            alone=lambda: self.membership.living <= 1,
        )

    def _reports(self) -> Reports:
        work = OperationReport(self.store)
        handovers = [entry.job for entry in self.entries if entry.kind == "handover"]
        return Reports(self.store, self.clock, work.deeds, work.pending, handovers)

    async def _recall(self) -> None:
        """Start from what the watch noted in an earlier life."""
        async with self.store.read() as uow:
            self.noted.update(await uow.memory.several(self.clusters.keys()))

    def remembered(self, name: str) -> Mapping[str, Any]:
        return self.noted.get(name, {})

    async def on_dead(self, post: OutboxMessage) -> None:
        await self.fallback.on_dead(post)

    async def wanted(self, slot: str) -> bool:
        return await self.fallback.wanted(slot)

    async def renew(self, slot: str, ts: str) -> float | None:
        return await self.fallback.renew(slot, ts)

    def _desk(self, decisions: ApprovalService, policies: PolicyOf, outbox: Outbox) -> ProposalService:
        async def posted(slot: str, seconds: float) -> str:
            post = await outbox.settled(slot, within=seconds)
            return post.last_error if post is not None and post.state == "dead" and not post.seen else ""

        return ProposalService(
            repository=self.repository,
            access=decisions.access,
            clusters=self.clusters,
            decisions=decisions,
            policies=policies,
            permalink=self.gateway.permalink,
            clock=self.clock,
            posted=posted,
        )

    def _dispatcher(
        self,
        access: Access,
        proposals: ProposalService,
        decisions: ApprovalService,
        inbox: Inbox,
        alert_actions: AlertActions,
        forms: Forms,
    ) -> Dispatcher:
        return Dispatcher(
            commands=COMMANDS,
            clusters=self.clusters,
            default_of_channel={
                channel: cluster.name for cluster in self.settings.clusters for channel in cluster.channels
            },
            access=access,
            proposer=proposals,
            alerts=alert_actions,
            reports=self.reports,
            decider=ButtonRouter(decisions, alert_actions, access),
            responder=self.gateway,
            forms=forms,
            inbound=inbox,
            audit=AuditLog(self.store, self.clock),
            share=self.gateway,
            remembered=self.remembered,
            clock=self.clock,
            ended=self.metrics.command,
            answers_private=self.settings.slack.answers == "sender",
            rules=self.rules,
            docs_url=self.settings.docs_url or "",
        )

    def _forms(self, access: Access, policies: PolicyOf, alert_actions: AlertActions) -> Forms:
        return Forms(
            clusters=self.clusters,
            access=access,
            policies=policies,
            remembered=self.remembered,
            views=self.gateway,
            screens=ViewVersions(self.gateway),
            responder=self.gateway,
            direct=self.gateway,
            audit=AuditLog(self.store, self.clock),
            home=self._home(access, policies, alert_actions).show,
            key=key_of(self.settings.secrets.slack_bot_token.get_secret_value()),
        )

    def _home(self, access: Access, policies: PolicyOf, alert_actions: AlertActions) -> HomeTab:
        return HomeTab(
            names=tuple(self.clusters),
            remembered=self.remembered,
            people=access,
            open=OpenNow(alert_actions, self.repository, self.gateway.permalink),
            policy_of=lambda op: policies(op.cluster, policy_keys(op.kind, op.request), op.forced),
            publish=self.gateway.publish_home,
            clock=self.clock,
        )

    def _bolt(self, dispatcher: Dispatcher, forms: Forms, background: TaskQueue, inbox: Inbox) -> Bolt:
        judge = FormValidator(self.clusters, forms.access, forms.policies, dispatcher.call_of, forms.key, forms.audit)
        surfaces = Surfaces(on_home=partial(show_once, inbox.once, forms.home), on_act=forms.acted, judge=judge)
        edge = AckMiddleware(dispatcher, self.gateway, background, surfaces, on_ack=self.metrics.acked)
        return build_app(edge, self.gate, api_url=self.settings.slack.api_url)

    def _socket(self, bolt: Bolt) -> SocketMode | None:
        token = self.settings.secrets.slack_app_token.get_secret_value()
        if not token:
            return None
        return SocketMode(
            bolt,
            lambda: self.gateway.socket_address(token),
            random=random.random,
            on_hello=self.gateway.learn_app,
        )

    def _watches(self, rules: Mapping[str, Any], outbox: Outbox) -> Mapping[str, Watch]:
        horizon = OwnNetwork(
            [self._seat(own, rules[own.name]) for own in self.settings.clusters],
            noted=self.noted,
            place=socket.gethostname(),
        )
        return {own.name: self._watch(own, rules[own.name], outbox, horizon) for own in self.settings.clusters}

    def _seat(self, own: ClusterSettings, rules: Sequence[Rule]) -> Seat:
        tells = any(rule.key == OWN_NETWORK.key for rule in rules)
        group = escalation_of(self.settings.escalation(own.name)).to
        return Seat(own.name, own.alert_channel, group, own.poll_interval, tells)

    def _watch(self, own: ClusterSettings, rules: tuple[Rule, ...], outbox: Outbox, horizon: OwnNetwork) -> Watch:
        watched = Watched(
            own.name,
            own.alert_channel,
            own.poll_interval,
            rules,
            escalation_of(self.settings.escalation(own.name)),
            GroupingLimits(**dict(self.settings.alerts.storm)),
        )
        deadline = look_deadline(own.answer_deadline, own.poll_interval)
        watch = Watch(
            watched,
            lambda: self.clusters[own.name].poll(deadline, watch.glimpse),
            self.store,
            wake=outbox.wake,
            explain=partial(self.repository.explain, own.name),
            horizon=horizon,
        )
        return watch
