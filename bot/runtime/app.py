"""The composition root: builds every part of the program once, in order of need, and closes what it opened."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from bot.alerting.grouping import GroupingLimits
from bot.alerting.own_network import OwnNetwork, WatchedCluster
from bot.alerting.rules.base import Rule
from bot.alerting.rules.thresholds import configure
from bot.alerting.rules.watchdog import OWN_NETWORK
from bot.chatops.audit_log import AuditLog
from bot.chatops.inbox import Inbox
from bot.clustermgr.cluster import Cluster, OnPartial
from bot.clustermgr.collector import poll_deadline
from bot.clustermgr.give_way import giving_way
from bot.clustermgr.models import Snapshot
from bot.clustermgr.read_pace import ReadPace
from bot.common.message_key import MessageKey
from bot.common.periods import staggered
from bot.config import ClusterSettings, Settings, in_file
from bot.delivery.fallback import Fallback
from bot.delivery.worker import Outbox, RateLimit
from bot.integrations.client import HttpClient
from bot.leadership.membership import Membership
from bot.permissions.access import Access
from bot.runtime.answering import dispatcher_of, forms_of, home_tab, note_of
from bot.runtime.clock import Clock, ClockGuard, earliest
from bot.runtime.edge import edge
from bot.runtime.job_problems import JobProblems
from bot.runtime.outputs import intake_of, output_worker, receivers_in_use
from bot.runtime.parts import App, Notes
from bot.runtime.polling import poll_gained
from bot.runtime.reload import Reloads
from bot.runtime.scheduler import Scheduler
from bot.runtime.settings_mapping import (
    escalation_of,
    heartbeat_url,
    policy,
    remind_holder_of,
    report_jobs_of,
)
from bot.runtime.startup import Foundation, code_check, foundation, membership_of
from bot.runtime.status_wiring import status_reporter
from bot.runtime.validation import refuse_wrong
from bot.runtime.windows import windows_of
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import Bolt
from bot.slack.socket_mode import SocketMode
from bot.slack.task_queue import TaskQueue
from bot.slack.token_status import TokenStatus
from bot.store.retention import Keep, Retention
from bot.telemetry.heartbeat import Heartbeat
from bot.telemetry.loop_lag import LoopLag
from bot.telemetry.tracer import NO_TRACER, Tracer
from bot.watch.admission import Admission
from bot.watch.alert_actions import AlertActions
from bot.watch.planning import Watched
from bot.watch.report_builder import Reports
from bot.watch.scheduled_reports import ReportJob, Summaries
from bot.watch.state_saver import StateSaver
from bot.watch.watchdog import Watchdog
from bot.watch.watcher import Watcher
from bot.workflow.approvals import ApprovalService
from bot.workflow.disk_series import DiskSeries
from bot.workflow.drop_progress import DropFollower
from bot.workflow.executor import Executor
from bot.workflow.proposals import ProposalService
from bot.workflow.reporting import OperationReport
from bot.workflow.repository import OperationRepository
from bot.workflow.reversions import Reversions, TimeLimitClicks


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    pace: RateLimit | None = None,
    wait_for_server: float = 0.0,
    tracer: Tracer = NO_TRACER,
    reloads: Reloads | None = None,
) -> AsyncIterator[App]:
    """Build everything; close what was opened when the block ends. Raises ConfigError, StoreError.

    `clock` replaces both the clock of the process and the system clock. An unavailable database server is waited for,
    `wait_for_server` seconds at most. `tracer` measures commands, polls, operations and calls. `reloads` reads the
    settings again when a person asks for it.
    """
    with in_file(str(settings.secrets.cmbot_config)):
        refuse_wrong(settings)
    rules = {own.name: configure(settings.rules, own.rules) for own in settings.clusters}
    report_jobs = report_jobs_of(settings)
    async with foundation(settings, clock, wait_for_server, tracer) as base, HttpClient.opened() as client:
        # Polling: the watches, the schedule that runs them, the membership that decides which replica polls.
        cluster_notes = base.cluster_notes
        notify = settings.operations.notify
        repository = OperationRepository(
            base.store, base.wake, base.clock, base.replica, notify=notify, entered=base.metrics.operation
        )
        for name, cluster in base.clusters.items():
            cluster.restore_gone(partial(_gone_since, cluster_notes, name))
        task_queue = TaskQueue()
        intervals = {own.name: own.poll_interval for own in settings.clusters}
        admission = Admission(
            intervals,
            asyncio.get_running_loop().time,
            busy=lambda: task_queue.pressing,
            alerting=lambda: base.store.pressing,
        )
        state_saver = StateSaver(base.store, waits=admission.release)
        watches = _watches(base, rules, cluster_notes, repository, admission, state_saver)
        read_pace = ReadPace(base.clock, late=lambda: admission.late)
        for cluster in base.clusters.values():
            cluster.read_pace = read_pace
        watchdog = Watchdog(watches, base.store, wake=base.wake, stretch=admission.stretch_of)
        scheduler = Scheduler(JobProblems(base.metrics, watchdog, admission).report)
        membership = membership_of(settings, base.store, base.replica, partial(poll_gained, scheduler, intervals))
        # Delivery: messages out of the database into Slack.
        channel = settings.alerts.fallback_channel or ""
        fallback = Fallback(base.store, base.clock, base.wake, repository.withdraw, channel)
        outbox = _outbox(base, fallback, membership, pace)
        # Changes: proposed, approved, executed.
        executor = Executor(
            repository,
            base.clusters,
            base.clock,
            settings.operations.verify_within,
            alive=lambda: membership.active,
            tracer=tracer,
        )
        approvals = _approvals(base, repository, executor)
        proposals = _proposals(base, approvals, outbox, membership)
        # Answers to people.
        alert_channels = {own.name: own.alert_channel for own in settings.clusters}
        alert_actions = AlertActions(base.store, base.wake, base.clock, alert_channels)
        reports = _reports(base, report_jobs)
        audit_log = AuditLog(base.store, base.clock, settings.slack.command)
        inbox = Inbox(base.store, base.replica, base.clock)
        home = home_tab(base, cluster_notes, approvals, alert_actions, inbox)
        forms = forms_of(base, cluster_notes, approvals, proposals, alert_actions, audit_log, home)
        dispatcher = dispatcher_of(
            base, cluster_notes, rules, approvals, proposals, alert_actions, reports, forms, inbox, audit_log, reloads
        )
        # The edge to Slack, where their questions arrive.
        installation = InstallationCheck(base.gateway.identity, lambda: base.gateway.app_id)
        bolt = edge(base, dispatcher, forms, home, task_queue, installation)
        socket_mode = _socket_mode(base, bolt)
        receivers = receivers_in_use(base, membership)
        outputs = output_worker(base, client, outbox, membership, socket_mode, receivers)
        yield App(
            settings=settings,
            clock=base.clock,
            wall=base.wall,
            clock_guard=ClockGuard(base.clock, base.wall),
            store=base.store,
            began_as=base.began_as,
            clusters=base.clusters,
            metrics=base.metrics,
            cluster_notes=cluster_notes,
            watches=watches,
            watchdog=watchdog,
            scheduler=scheduler,
            membership=membership,
            outbox=outbox,
            fallback=fallback,
            repository=repository,
            executor=executor,
            reversions=Reversions(repository, executor, base.clusters, base.clock),
            disk_series=DiskSeries(repository, executor, base.clusters, base.clock),
            drop_follower=DropFollower(repository, base.clusters, base.clock),
            alert_actions=alert_actions,
            report_jobs=report_jobs,
            summaries=Summaries(base.store, reports, wake=base.wake, ahead=lambda: base.wall() - base.clock()),
            dispatcher=dispatcher,
            home=home,
            task_queue=task_queue,
            installation=installation,
            bolt=bolt,
            socket=socket_mode,
            token_status=TokenStatus(base.gateway, socket_mode, measure=base.metrics.slack_rejected),
            status_reporter=status_reporter(base, cluster_notes, outbox, membership, admission, read_pace, outputs),
            retention=Retention(base.store, Keep(**settings.retention.model_dump()), base.clock),
            heartbeat=Heartbeat(heartbeat_url(settings)),
            loop_lag=LoopLag(base.metrics.loop_lag),
            admission=admission,
            read_pace=read_pace,
            state_saver=state_saver,
            tracer=tracer,
            reloads=reloads,
            outputs=outputs,
            receivers=receivers,
            intake=intake_of(base, watches),
        )


def _watches(
    base: Foundation,
    rules: Mapping[str, tuple[Rule, ...]],
    cluster_notes: Notes,
    repository: OperationRepository,
    admission: Admission,
    saver: StateSaver,
) -> Mapping[str, Watcher]:
    own_network = OwnNetwork(
        [_watched_cluster(base.settings, own, rules[own.name]) for own in base.settings.clusters],
        cluster_notes=cluster_notes,
        place=socket.gethostname(),
    )
    windows = windows_of(base.settings)
    return {
        own.name: Watcher(
            Watched(
                own.name,
                own.alert_channel,
                own.poll_interval,
                rules[own.name],
                escalation_of(base.settings.escalation(own)),
                GroupingLimits(**dict(base.settings.alerts.storm)),
                remind_holder_of(base.settings.escalation(own)),
                windows[own.name],
                external=base.settings.inputs.token_env is not None,
                due=staggered(own.name),
            ),
            partial(_poll, base.clusters[own.name], poll_deadline(own.answer_deadline, own.poll_interval), admission),
            base.store,
            wake=base.wake,
            explain=partial(repository.explain, own.name),
            own_network=own_network,
            saver=saver,
        )
        for own in base.settings.clusters
    }


async def _poll(cluster: Cluster, deadline: float, admission: Admission, on_partial: OnPartial) -> Snapshot:
    """Poll a cluster; its reads and the evaluation wait for the commands that are being worked on.

    Once it has found a bad disk, the other polls wait for it.
    """
    with giving_way(partial(admission.give_way, cluster.name)):
        snapshot = await cluster.poll(deadline, on_partial, partial(admission.press, cluster.name))
    await admission.give_way(cluster.name)
    return snapshot


def _watched_cluster(settings: Settings, own: ClusterSettings, rules: Sequence[Rule]) -> WatchedCluster:
    announces = any(rule.key == OWN_NETWORK.key for rule in rules)
    group = escalation_of(settings.escalation(own)).to
    return WatchedCluster(own.name, own.alert_channel, group, own.poll_interval, announces)


def _outbox(base: Foundation, fallback: Fallback, membership: Membership, pace: RateLimit | None) -> Outbox:
    return Outbox(
        base.store,
        base.gateway,
        owner=base.replica,
        clock=base.clock,
        random=random.random,
        pace=pace,
        on_dead=fallback.on_dead,
        wanted=fallback.wanted,
        renew=fallback.renew,
        alive=lambda: membership.active,
        posted_after=lambda at: earliest(at, base.clock(), base.wall()),
        awake=base.messages_wait,
        support=base.gateway.support,
        tracer=base.tracer,
    )


def _approvals(base: Foundation, repository: OperationRepository, executor: Executor) -> ApprovalService:
    own = base.settings
    return ApprovalService(
        repository,
        executor,
        Access(own.access, base.gateway.group_members, own.policy_groups, own.own_access),
        base.clusters,
        partial(policy, own, base.began_as),
        base.clock,
        TimeLimitClicks(repository),
        base.gateway.members_now,
        tracer=base.tracer,
        shared=base.gateway.shared,
    )


def _proposals(base: Foundation, approvals: ApprovalService, outbox: Outbox, membership: Membership) -> ProposalService:
    async def refusal_of(message_key: MessageKey, seconds: float) -> str:
        post = await outbox.settled(message_key, within=seconds)
        return post.last_error if post is not None and post.state == "dead" and not post.seen else ""

    return ProposalService(
        repository=approvals.repository,
        access=approvals.access,
        clusters=base.clusters,
        decisions=approvals,
        policies=approvals.policies,
        permalink=base.gateway.permalink,
        clock=base.clock,
        posted=refusal_of,
        code_wanted=code_check(base).wanted,
        older=membership.older_than,
    )


def _reports(base: Foundation, report_jobs: Sequence[ReportJob]) -> Reports:
    operations = OperationReport(base.store)
    handovers = [job.job for job in report_jobs if job.kind == "handover"]
    return Reports(base.store, base.clock, operations.ended_since, operations.pending, handovers)


def _gone_since(cluster_notes: Notes, cluster: str) -> Mapping[int, float]:
    """Since when disks were seen repaired or dropped, as the watch keeps it over restarts."""
    return {disk.id: disk.gone_since for disk in note_of(cluster_notes, cluster).state.lost_disks if disk.gone_since}


def _socket_mode(base: Foundation, bolt: Bolt) -> SocketMode | None:
    """Build the connection over which Slack delivers; None without an app token: then Slack delivers over HTTP."""
    token = base.settings.secrets.slack_app_token.get_secret_value()
    if not token:
        return None
    address = partial(base.gateway.socket_address, token)
    return SocketMode(
        bolt, address, random=random.random, on_hello=base.gateway.learn_app, proxy_of=base.gateway.proxy_of
    )
