"""Samples of problems: the sentence of each refusal of what a person asked for."""

from dataclasses import replace

from bot.alerting import problems as alerts
from bot.alerting.holding import HoldRefusal
from bot.alerting.model import AlertState, Silence
from bot.alerting.subjects import SubjectKind, SubjectRefused
from bot.audit.chain import BadHead
from bot.audit.export import CellHasOtherType, RowHasOtherColumns, RowUnreadable
from bot.clustermgr.tasks import Dialect, DialectEvidence, EvidenceKind, HostDialect
from bot.common.errors import Problem
from bot.interactions import notes
from bot.operations import decisions, maintenance, operation_problems, policy, request_problems
from bot.operations.change_request import MAX_LEASE
from bot.operations.decisions import Lacking
from bot.operations.model import OpState
from bot.operations.policy import Lack, LackReason, Need
from bot.operations.request_problems import AddressFault, AddressKind, PeerIdUse
from bot.permissions import problems as access
from bot.permissions.roles import Role
from bot.views.problem_text.table import problem_text
from tests.docgen.phrasebook.maintenance import HELD, verdict
from tests.docgen.phrasebook.render import Sample, Section
from tests.support.view_samples import AT, HOSTS

_GIVEN = {
    AddressFault.EMPTY: "",
    AddressFault.SCHEME: "http://10.0.0.4:10110",
    AddressFault.COLONS: "fd00::4:10110",
    AddressFault.NO_PORT: "10.0.0.4",
    AddressFault.PORT: "10.0.0.4:0",
    AddressFault.HOST: "10.0.0.256:10110",
    AddressFault.EVERY_INTERFACE: "0.0.0.0:10110",
    AddressFault.MANY_MACHINES: "224.0.0.1:10110",
    AddressFault.LINK_LOCAL: "169.254.0.4:10110",
}
"""An address with each fault."""
_LACKS = (
    Lack(LackReason.NOT_LISTED, "S0OPS (internal_error)"),
    Lack(LackReason.NO_HOLDERS, "access.approvers"),
    Lack(LackReason.NOT_IN_GROUP, "S0OPS"),
    Lack(LackReason.NOT_HELD, "approver"),
)
_LONGER = Silence("prod", "peer_down", "3", AT + 7200, "U0ANNA", "", AT, id=7)
_ALL = Silence("prod", "*", "", AT + 7200, "U0ANNA", "", AT, id=8)

PROBLEMS: tuple[Problem, ...] = (
    request_problems.PeerIdNotWhole(),
    request_problems.PeerIdNotDigits("four"),
    request_problems.PeerIdNotDigits(""),
    request_problems.PeerIdNotDigits("<!channel>"),
    *(request_problems.PeerIdZero(use) for use in PeerIdUse),
    request_problems.PeerIdOutOfRange("-1"),
    request_problems.PeerIdOutOfRange("9" * 60),
    *(request_problems.BadAddress(kind, fault, _GIVEN[fault]) for kind in AddressKind for fault in AddressFault),
    request_problems.AddressesEqual("10.0.0.4:9998"),
    request_problems.FlagMissing("as="),
    request_problems.BadTaskName(),
    request_problems.BadLease(),
    request_problems.BadDiskId(),
    request_problems.BadNodeId(),
    request_problems.BadDiskCount(64),
    request_problems.DiskTwice(7),
    request_problems.RequestIncomplete("member_add"),
    request_problems.ReplacesItself(3),
    request_problems.NoReplacementNeeded(3),
    operation_problems.NothingToForce(),
    operation_problems.AgentMayNotForce(),
    operation_problems.AgentOperationsOpen(5),
    operation_problems.AgentProposalsLately(20),
    operation_problems.AgentChecksLately(20),
    operation_problems.CodeNeeded(),
    operation_problems.ChannelShared("C0OPS"),
    operation_problems.SharingUnknown("C0OPS"),
    operation_problems.LeaseTooLong(12, MAX_LEASE),
    operation_problems.OlderReplicas(("cmbot-0-5f3a",)),
    operation_problems.CardNotPosted("C0OPS", "not_in_channel"),
    operation_problems.NoSuchTask("prod", Dialect.V3, "shard_inspect"),
    operation_problems.OtherDialect(
        "prod", Dialect.V3, DialectEvidence(EvidenceKind.PROBED, (HostDialect(HOSTS[0], Dialect.V3),)), "v1"
    ),
    operation_problems.NoSuchOperation(12),
    operation_problems.ButtonOutdated(),
    operation_problems.ButtonWithoutOperation(),
    operation_problems.OtherDecisionFirst(12),
    operation_problems.LeaseChanged(12),
    operation_problems.OutcomeIsKnown(12, OpState.VERIFIED),
    operation_problems.ApprovalNotNeeded(12, (Need("approver", 1), Need("S0OPS", 2))),
    operation_problems.ApproversUnproven("S0OPS (internal_error)"),
    *(policy.ProposerLacks(lack, glass=False) for lack in _LACKS),
    policy.ProposerLacks(_LACKS[3], glass=True),
    policy.NoApprover("access.approvers"),
    policy.OtherChannel(("C0OPS", "C0STORAGE")),
    policy.OtherChannel(()),
    policy.ReasonMissing(),
    decisions.NotWaiting(12, OpState.REJECTED),
    decisions.TooLate(12),
    decisions.MayNotCancel(12, "U0ANNA"),
    decisions.AlreadyApproved(12),
    decisions.OwnOperation(12, lease=False),
    decisions.OwnOperation(12, lease=True),
    decisions.OwnOperation(12, lease=False, agent=True),
    *(decisions.DeciderLacks(12, act, _LACKS[2:]) for act in Lacking),
    decisions.LeaseOver(12),
    decisions.LeaseNeedsMore(12, (Need("approver", 1), Need("S0SEC", 1))),
    decisions.LeaseNeedsMore(12, (), forced=True),
    access.RoleWithoutHolders(Role.OPERATOR),
    access.RoleWithoutHolders(Role.APPROVER, "prod"),
    access.RoleUnproven(Role.OPERATOR, "S0OPS (internal_error)"),
    access.RoleNotHeld(Role.OPERATOR),
    access.RoleNotHeld(Role.BREAKER, "prod"),
    access.RoleNotHeld(Role.ADMIN),
    access.RoleHeldNowhere(Role.OPERATOR),
    access.GroupUnproven("S0OPS (internal_error)"),
    access.NotInGroup("S0OPS"),
    alerts.NoSuchAlert(17),
    *(alerts.HoldRefused(17, why, "U0ANNA") for why in HoldRefusal),
    alerts.HoldRefused(17, HoldRefusal.CHANGED_HANDS, ""),
    alerts.BadHoldLength(),
    alerts.AlertIsOver(17, AlertState.RESOLVED),
    alerts.AlertContended(17),
    alerts.NoSuchRule("disk_brokn", ("disk_broken", "peer_down")),
    alerts.NoSuchRule("zzz", ("disk_broken", "peer_down")),
    alerts.BadSilenceLength(),
    alerts.StartIsPast(AT - 7200, AT),
    alerts.StartTooFarAhead(AT + 40 * 86400),
    alerts.EndIsPast(AT - 7200, AT),
    alerts.EndBeforeStart(AT + 7200, AT + 3600),
    alerts.TwoEnds(),
    alerts.SilencedLonger(_LONGER, AT),
    alerts.SilencedLonger(_ALL, AT),
    alerts.SilencedLonger(replace(HELD, until=AT + 7200, id=9), AT),
    alerts.MaintenanceContended("10.0.0.8"),
    maintenance.UnknownHost("10.9.9.9", "prod", (*HOSTS, "http://10.0.0.7:8899")),
    maintenance.UnknownHost("10.9.9.9", "prod", ()),
    maintenance.NotSafeToStop(verdict(bad=(4, 5, 6))),
    maintenance.AnywayNeedsReason(),
    maintenance.NoSuchMaintenance("10.0.0.8", "prod", ("10.0.0.7",)),
    maintenance.NoSuchMaintenance("10.0.0.8", "prod", ()),
    alerts.NoSuchSilence(7),
    *(SubjectRefused("peer_down", "peer 5", "prod", kind, ("1", "2", "5"), "5") for kind in SubjectKind),
    SubjectRefused("peer_down", "nine", "prod", SubjectKind.PEER, (), ""),
    notes.NoteEmpty(),
    notes.NoteTooLong(2400),
    notes.TooManyNotes(notes.NoteSubject(notes.NoteKind.ALERT, 17)),
    notes.NoSuchThread(),
    notes.SeveralAlerts(),
    BadHead(),
    RowUnreadable(3),
    RowHasOtherColumns(3),
    CellHasOtherType(3, "seq"),
)
"""Each kind of problem, in each form of its words."""


def section() -> Section:
    """Return the section of all problems."""
    groups: dict[str, list[str]] = {}
    for problem in PROBLEMS:
        groups.setdefault(type(problem).__name__, []).append(problem_text(problem))
    return Section("Refused requests", tuple(Sample(name, "\n".join(texts)) for name, texts in groups.items()))
