"""The table of words: the sentence of a problem from its type; another language is another such table. No I/O."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.alerting import problems as alert_problems
from bot.alerting.subjects import SubjectRefused
from bot.audit.chain import BadHead
from bot.audit.export import CellHasOtherType, RowHasOtherColumns, RowUnreadable
from bot.common.errors import Problem
from bot.interactions import notes as note_problems
from bot.operations import maintenance as maintenance_problems
from bot.operations import operation_problems, request_problems
from bot.permissions import problems as access_problems
from bot.views.decisions import REFUSALS
from bot.views.problem_text import access, alerts, audit, maintenance, notes, operations, requests

PROBLEMS: Mapping[type[Problem], Callable[[Any], str]] = MappingProxyType(
    {
        request_problems.PeerIdNotWhole: requests.peer_id_not_whole,
        request_problems.PeerIdNotDigits: requests.peer_id_not_digits,
        request_problems.PeerIdZero: requests.peer_id_zero,
        request_problems.PeerIdOutOfRange: requests.peer_id_out_of_range,
        request_problems.BadAddress: requests.bad_address,
        request_problems.AddressesEqual: requests.addresses_equal,
        request_problems.FlagMissing: requests.flag_missing,
        request_problems.BadTaskName: requests.bad_task_name,
        request_problems.BadLease: requests.bad_lease,
        request_problems.BadDiskId: requests.bad_disk_id,
        request_problems.BadNodeId: requests.bad_node_id,
        request_problems.BadDiskCount: requests.bad_disk_count,
        request_problems.DiskTwice: requests.disk_twice,
        request_problems.RequestIncomplete: requests.request_incomplete,
        request_problems.ReplacesItself: requests.replaces_itself,
        request_problems.NoReplacementNeeded: requests.no_replacement_needed,
        operation_problems.NothingToForce: operations.nothing_to_force,
        operation_problems.CodeNeeded: operations.code_needed,
        operation_problems.ChannelShared: operations.channel_shared,
        operation_problems.SharingUnknown: operations.sharing_unknown,
        operation_problems.LeaseTooLong: operations.lease_too_long,
        operation_problems.AgentChecksLately: operations.agent_checks_lately,
        operation_problems.AgentMayNotForce: operations.agent_may_not_force,
        operation_problems.AgentOperationsOpen: operations.agent_operations_open,
        operation_problems.AgentProposalsLately: operations.agent_proposals_lately,
        operation_problems.OlderReplicas: operations.older_replicas,
        operation_problems.CardNotPosted: operations.card_not_posted,
        operation_problems.NoSuchTask: operations.no_such_task,
        operation_problems.OtherDialect: operations.other_dialect,
        operation_problems.NoSuchOperation: operations.no_such_operation,
        operation_problems.ButtonOutdated: operations.button_outdated,
        operation_problems.ButtonWithoutOperation: operations.button_without_operation,
        operation_problems.OtherDecisionFirst: operations.other_decision_first,
        operation_problems.LeaseChanged: operations.lease_changed,
        operation_problems.OutcomeIsKnown: operations.outcome_is_known,
        operation_problems.ApprovalNotNeeded: operations.approval_not_needed,
        operation_problems.ApproversUnproven: operations.approvers_unproven,
        access_problems.RoleWithoutHolders: access.role_without_holders,
        access_problems.RoleUnproven: access.role_unproven,
        access_problems.RoleNotHeld: access.role_not_held,
        access_problems.RoleHeldNowhere: access.role_held_nowhere,
        access_problems.GroupUnproven: access.group_unproven,
        access_problems.NotInGroup: access.not_in_group,
        alert_problems.NoSuchAlert: alerts.no_such_alert,
        alert_problems.HoldRefused: alerts.hold_refused,
        alert_problems.BadHoldLength: alerts.bad_hold_length,
        alert_problems.AlertIsOver: alerts.alert_is_over,
        alert_problems.AlertContended: alerts.alert_contended,
        alert_problems.NoSuchRule: alerts.no_such_rule,
        alert_problems.BadSilenceLength: alerts.bad_silence_length,
        alert_problems.StartIsPast: alerts.start_is_past,
        alert_problems.StartTooFarAhead: alerts.start_too_far_ahead,
        alert_problems.EndIsPast: alerts.end_is_past,
        alert_problems.EndBeforeStart: alerts.end_before_start,
        alert_problems.TwoEnds: alerts.two_ends,
        alert_problems.SilencedLonger: alerts.silenced_longer,
        alert_problems.NoSuchSilence: alerts.no_such_silence,
        alert_problems.MaintenanceContended: alerts.maintenance_contended,
        maintenance_problems.UnknownHost: maintenance.unknown_host,
        maintenance_problems.NotSafeToStop: maintenance.not_safe_to_stop,
        maintenance_problems.AnywayNeedsReason: maintenance.reason_missing,
        maintenance_problems.NoSuchMaintenance: maintenance.no_such_maintenance,
        SubjectRefused: alerts.subject_refused,
        note_problems.NoteEmpty: notes.note_empty,
        note_problems.NoteTooLong: notes.note_too_long,
        note_problems.TooManyNotes: notes.too_many_notes,
        note_problems.NoSuchThread: notes.no_such_thread,
        note_problems.SeveralAlerts: notes.several_alerts,
        BadHead: audit.bad_head,
        RowUnreadable: audit.row_unreadable,
        RowHasOtherColumns: audit.row_has_other_columns,
        CellHasOtherType: audit.cell_has_other_type,
        **REFUSALS,
    }
)
"""Words for each kind of problem."""


def problem_text(problem: Problem) -> str:
    """Return the sentence of a problem; plain text, not escaped."""
    return PROBLEMS[type(problem)](problem)
