"""Builds the parts that answer people: the dispatcher of commands, the forms, the Home tab."""

from collections.abc import Mapping
from functools import partial

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.rules.base import Rule
from bot.chatops.agent_proposals import AgentProposals, AgentRights
from bot.chatops.audit_log import AuditLog
from bot.chatops.button_router import ButtonRouter
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.dispatcher import Dispatcher
from bot.chatops.forms.card_forms import CardForms
from bot.chatops.forms.code_forms import CodeForms
from bot.chatops.forms.controller import Forms
from bot.chatops.forms.signing import key_of
from bot.chatops.forms.stored_choices import StoredChoices
from bot.chatops.forms.view_versions import ViewVersions
from bot.chatops.home import HomeTab
from bot.chatops.inbox import Inbox
from bot.chatops.note_keeper import NoteKeeper
from bot.chatops.shortcuts import Shortcuts
from bot.config import Settings
from bot.interactions.reload import SettingsPort
from bot.runtime.parts import Notes
from bot.runtime.settings_mapping import names_no_default
from bot.runtime.startup import Foundation, code_check
from bot.runtime.windows import windows_of, zone_of
from bot.views.policy_text import NOTE
from bot.watch.alert_actions import AlertActions
from bot.watch.notes import NoteService
from bot.watch.report_builder import Reports
from bot.watch.timeline import Timelines
from bot.workflow.approvals import ApprovalService
from bot.workflow.proposals import ProposalService


def home_tab(
    base: Foundation, cluster_notes: Notes, approvals: ApprovalService, alert_actions: AlertActions, inbox: Inbox
) -> HomeTab:
    """Build the Home tab."""
    return HomeTab(
        names=tuple(base.clusters),
        remembered=partial(note_of, cluster_notes),
        access=approvals.access,
        alerts=alert_actions,
        repository=approvals.repository,
        policies=approvals.policies,
        slack=base.gateway,
        inbox=inbox,
        clock=base.clock,
        notes=(NOTE,) if names_no_default(base.settings, base.began_as) else (),
    )


def forms_of(
    base: Foundation,
    cluster_notes: Notes,
    approvals: ApprovalService,
    proposals: ProposalService,
    alert_actions: AlertActions,
    audit_log: AuditLog,
    home: HomeTab,
) -> Forms:
    """Build the forms in which changes are filled in."""
    return Forms(
        clusters=base.clusters,
        access=approvals.access,
        policies=approvals.policies,
        remembered=partial(note_of, cluster_notes),
        slack=base.gateway,
        screens=ViewVersions(base.gateway),
        record_refusal=audit_log.refused_command,
        home=home.show,
        stored=StoredChoices(
            alerts=alert_actions,
            operations=proposals,
            access=approvals.access,
            policies=approvals.policies,
            clock=base.clock,
            clusters=tuple(base.clusters),
        ),
        key=key_of(base.settings.secrets.slack_bot_token.get_secret_value()),
    )


def dispatcher_of(
    base: Foundation,
    cluster_notes: Notes,
    rules: Mapping[str, tuple[Rule, ...]],
    approvals: ApprovalService,
    proposals: ProposalService,
    alert_actions: AlertActions,
    reports: Reports,
    forms: Forms,
    inbox: Inbox,
    audit_log: AuditLog,
    reloads: SettingsPort | None,
) -> Dispatcher:
    """Build what runs commands, clicks and forms; `reloads` reads the settings again."""
    own = base.settings
    codes = CodeForms(base.gateway, forms.key, code_check(base))
    notes = NoteService(base.store, base.wake, base.clock, {each.name: each.alert_channel for each in own.clusters})
    return Dispatcher(
        commands=COMMANDS,
        clusters=base.clusters,
        default_of_channel={channel: cluster.name for cluster in own.clusters for channel in cluster.channels},
        access=approvals.access,
        proposer=proposals,
        operations=proposals,
        alerts=alert_actions,
        reports=reports,
        buttons=ButtonRouter(
            approvals,
            alert_actions,
            approvals.access,
            CardForms(base.gateway, forms.key),
            forms=forms,
            shortcuts=Shortcuts(alert_actions, approvals.access, forms, NoteKeeper(notes, approvals.access)),
            code_forms=codes,
        ),
        codes=codes,
        agents=AgentProposals(base.store, base.clock, base.wall, agent_rights(own), base.clusters, audit_log),
        slack=base.gateway,
        forms=forms,
        inbox=inbox,
        audit=audit_log,
        remembered=partial(note_of, cluster_notes),
        clock=base.clock,
        ended=base.metrics.command,
        answers_private=own.slack.answers == "sender",
        rules=rules,
        docs_url=own.docs_url or "",
        zone_of=partial(zone_of, own),
        windows=windows_of(own),
        notes=notes,
        timelines=Timelines(base.store, base.clock),
        tracer=base.tracer,
        settings=reloads,
    )


def agent_rights(settings: Settings) -> AgentRights:
    """Return what the settings allow agents to propose."""
    own = settings.mcp
    return AgentRights(own.owner or "", own.clusters) if own.propose else AgentRights()


def note_of(cluster_notes: Notes, cluster: str) -> ClusterNote:
    """Return what is remembered of the last poll of a cluster; an empty note before the first."""
    return cluster_notes.get(cluster, ClusterNote())
