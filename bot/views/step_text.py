"""Table of words: the text of a step from its fact; another language is another such table. No I/O."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.alerting.pull_safety import PullVerdict, pull_verdict
from bot.clustermgr.blob_nodes import NodeStatus
from bot.clustermgr.tasks import DialectEvidence
from bot.common.text import count
from bot.operations import disk_step_facts as d
from bot.operations import step_facts as s
from bot.operations.model import Event
from bot.operations.preflight.facts.disks import DiskSituation
from bot.operations.preflight.verdict import Check
from bot.operations.step_codec import Wording
from bot.views.alert_text.volumes import disk_names
from bot.views.decisions import missing_text
from bot.views.dialect_text import evidence_text
from bot.views.preflight_text.changes import changes
from bot.views.preflight_text.disks import state_text
from bot.views.preflight_text.table import check_text


def event_text(event: Event) -> str:
    """Words of a step, as they are stored: its kind, then what it recorded."""
    return f"{event.kind or ''}{step_text(event.fact)}"


def step_text(fact: s.StepFact | None) -> str:
    """Words of a fact; "" for none."""
    return "" if fact is None else STEPS[type(fact)](fact)


def difference_text(found: s.Difference | s.LegacyDifference | None) -> tuple[str, ...]:
    """Phrases on how the cluster changed."""
    match found:
        case None:
            return ()
        case s.LegacyDifference(phrases):
            return phrases
    return changes(found)


def why_text(evidence: DialectEvidence | s.LegacyWords | None) -> str:
    """Sentence on how a dialect was detected; "" for none."""
    return evidence.words if isinstance(evidence, s.LegacyWords) else evidence_text(evidence)


def _failure(fact: s.Failure) -> str:
    return f"{fact.sentence} (trace id {fact.trace_id})" if fact.trace_id else fact.sentence


def _joined(fact: s.PeerJoined) -> str:
    return f"peer {fact.peer} is a member now, as {'learner' if fact.learner else 'voter'}"


def _disk(fact: s.DiskNow) -> str:
    return f"disk #{fact.disk} is {state_text(DiskSituation(fact.disk, fact.status, fact.readonly, fact.dropping))}"


def _node(fact: s.NodeNow) -> str:
    if fact.status == NodeStatus.DROPPED:
        return f"node {fact.node} is dropped"
    if fact.status == NodeStatus.NORMAL:
        return f"node {fact.node} is not dropped yet"
    return f"node {fact.node} is in state {fact.status} (unknown to cmbot)"


_OFFLINE_STEPS = {
    d.OfflineStep.READONLY: "disk #{disk} is made read-only now: this request goes out once",
    d.OfflineStep.DROP: "the drop of disk #{disk} begins now: this request goes out once",
}


def _resumed(fact: d.OfflineResumed) -> str:
    what = "the last result could not be stored" if fact.own else "the cmbot process that ran this stopped"
    return f"{what}; nothing of the next step was sent, so this process goes on"


def _not_dropped(fact: d.DropNotBegun) -> str:
    as_before = ", as before" if fact.before else ""
    return f"disk #{fact.disk} is read-only{as_before}; it is not being dropped: {step_text(fact.why)}"


def _drop_ended(fact: d.DropEnded) -> str:
    state = state_text(DiskSituation(fact.disk, fact.status, readonly=False, dropping=False))
    head = f"disk #{fact.disk} is {state}"
    verdict = pull_verdict(fact.status, None if fact.volumes is None else fact.units)
    if verdict is PullVerdict.HELD:
        verb = "is" if fact.units == 1 else "are"
        left = f"{count(fact.units or 0, 'unit')} of {count(fact.volumes or 0, 'volume')}"
        return f"{head}, but {left} {verb} still on it: do not pull it"
    return head + _PULL[verdict]


_PULL = {
    PullVerdict.SAFE: "; safe to pull: no unit left",
    PullVerdict.IN_USE: " and is not being dropped any more: do not pull it",
    PullVerdict.UNKNOWN_STATE: "; no unit is on it, but it may take new ones in that state: do not pull it",
    PullVerdict.UNCOUNTED: "; its units could not be counted: do not pull it",
    PullVerdict.NO_LEADER: "; its units could not be counted: do not pull it",
}


def _waits(fact: d.PartWaits) -> str:
    what = f"disk #{fact.disk}" if fact.disk else "the node"
    return f"{what} is next and waits: {_refusals(fact.checks)}"


def _again(fact: d.PartAgain) -> str:
    what = f"disk #{fact.disk}" if fact.disk else "the node"
    return (
        f"{what} is next again: operation #{fact.op} ended (attempt {fact.attempt} of {fact.of}): {step_text(fact.why)}"
    )


def _series_ended(fact: d.SeriesEnded) -> str:
    was = "was" if len(fact.begun) == 1 else "were"
    begun = f"{disk_names(fact.begun)} {was} begun" if fact.begun else "no disk was begun"
    left = f"; {disk_names(fact.left)} stays as it is" if len(fact.left) == 1 else ""
    if len(fact.left) > 1:
        left = f"; {disk_names(fact.left)} stay as they are"
    return f"{begun}{left}{f': {step_text(fact.why)}' if fact.why is not None else ''}"


def _refusals(checks: tuple[Check, ...]) -> str:
    return " ".join(check_text(check).sentence for check in checks)


_AFTER_MOVE = {
    s.AfterMove.NONE: "",
    s.AfterMove.ALREADY_SO: "; it is already as requested",
    s.AfterMove.NOTHING_TO_FORCE: "; there is nothing left to force: type the command again without `force=yes`",
}


def _moved(fact: s.ClusterMoved) -> str:
    changed = "; ".join(changes(fact.difference))
    return f"the cluster changed since the card was shown: {changed}{_AFTER_MOVE[fact.then]}"


_AFTER_REMOVAL = {
    s.AfterRemoval.NOT_SENT: "; nothing was sent",
    s.AfterRemoval.UNKNOWN: "; it is not known whether it was done",
    s.AfterRemoval.NOT_RESTORED: ", so nothing goes back",
}


def _removed(fact: s.ClusterRemoved) -> str:
    return f"{fact.cluster} is no longer in the settings{_AFTER_REMOVAL[fact.then]}"


def _dropped(fact: s.ApprovalsDropped) -> str:
    lost = "; ".join(f"{each.user} no longer holds {' and '.join(each.sources)}" for each in fact.lost)
    return f"an approval no longer counts: {lost}"


def _progress(fact: s.ApprovalProgress) -> str:
    if fact.missing:
        return f" ({missing_text({need.source: need.approvals for need in fact.missing})} missing)"
    return f" ({fact.given} of {fact.needed})"


def _settled(fact: s.SettledByAdmin) -> str:
    came = "done" if fact.done else "not done"
    sees = "cmbot cannot read the cluster now" if fact.sight is None else f"cmbot sees: {step_text(fact.sight)}"
    return f" as {came} by an admin: {fact.reason}; {sees}"


def _unseen(fact: s.EffectUnseen) -> str:
    found = "the current state could not be read" if fact.sight is None else step_text(fact.sight)
    return f"the cluster answered 200, but the effect was not seen in {fact.seconds:g} s; {found}"


def _adopted(fact: s.Adopted) -> str:
    what = "its result could not be stored" if fact.own else "the cmbot process that ran this stopped"
    sent = "it is not known whether the request was sent" if fact.sight is None else step_text(fact.sight)
    return f"{what}; {sent}"


def _compared(fact: s.Compared) -> str:
    return f"{'the cluster shows the opposite' if fact.contradicts else 'looked again'}: {step_text(fact.sight)}"


_RESTORATION = {
    s.Restoration.BEGUN: "{task} is now turned back {value}",
    s.Restoration.DONE: "{task} is {value} again",
    s.Restoration.UNKNOWN: "it is not known if {task} is {value} again",
    s.Restoration.NOT_DONE: "{task} was not restored",
}


def _lease_ended(fact: s.LeaseEnded) -> str:
    text = _RESTORATION[fact.restoration].format(task=fact.task, value="on" if fact.on else "off")
    return f"{text} (operation #{fact.op})"


def _by_hand(fact: s.RestoreRefused | s.RestoreUnread) -> str:
    return f"to restore it: `/cm task {'enable' if fact.on else 'disable'} {fact.task} {fact.cluster}`"


def _skipped(fact: s.RestoreSkipped) -> str:
    held = f"{fact.task} is {fact.meaning} now, no longer what operation #{fact.op} set"
    return f"skipped: {held}, so it stays as it is"


STEPS: Mapping[type[s.StepFact], Callable[[Any], str]] = MappingProxyType(
    {
        s.LegacyWords: lambda fact: fact.words,
        s.Failure: _failure,
        s.SwitchIs: lambda fact: f"{fact.task} is now {fact.meaning}",
        s.NoLeaderSeen: lambda _: "no leader is seen just now",
        s.PeerLeads: lambda fact: f"peer {fact.peer} leads",
        s.PeerStays: lambda fact: f"peer {fact.peer} is still a member",
        s.PeerGone: lambda fact: f"peer {fact.peer} is no member any more",
        s.PeerAbsent: lambda fact: f"peer {fact.peer} is no member",
        s.PeerJoined: _joined,
        s.DiskNow: _disk,
        s.NodeNow: _node,
        s.NodeNotShown: lambda fact: f"this release has no call that shows the state of node {fact.node}",
        d.OfflineStepBegun: lambda fact: _OFFLINE_STEPS[fact.step].format(disk=fact.disk),
        d.ReadonlyBefore: lambda fact: f"disk #{fact.disk} was read-only before: no request is sent for that",
        d.OfflineResumed: _resumed,
        d.ApprovalTooOld: lambda _: "the approval is too old: propose the rest again",
        d.WritableAgain: lambda fact: (
            f"disk #{fact.disk} is writable again, which this operation did not ask for; it is not being dropped"
        ),
        d.DropNotBegun: _not_dropped,
        d.DropEnded: _drop_ended,
        d.PartBegun: lambda fact: f"disk #{fact.disk} is next: operation #{fact.op}",
        d.PartSkipped: lambda fact: f"disk #{fact.disk} is skipped: it is out of service or being dropped already",
        d.PartWaits: _waits,
        d.PartAgain: _again,
        d.NodePartBegun: lambda fact: f"the node {fact.node} is dropped now: operation #{fact.op}",
        d.PartFailed: lambda fact: f"operation #{fact.op} ended as {fact.state}",
        d.SeriesBegun: lambda fact: f"part of operation #{fact.of}, which was approved",
        d.SeriesEnded: _series_ended,
        d.SeriesOver: lambda fact: f"operation #{fact.of}, of which it is a part, has ended",
        d.NodeAccepted: lambda fact: (
            f"the cluster accepted the drop of node {fact.node}; this release has no call that shows its state"
        ),
        s.ChecksRefuse: lambda fact: _refusals(fact.checks),
        s.TakesOverCard: lambda fact: f"replaces operation #{fact.of}; no approvals yet",
        s.TakesOverBlocked: lambda fact: f"the cluster changed since: {_refusals(fact.checks)}",
        s.ClusterMoved: _moved,
        s.ClusterRemoved: _removed,
        s.RequesterLost: lambda fact: f"its requester no longer holds the role {fact.role}",
        s.ApprovalsDropped: _dropped,
        s.ApprovalProgress: _progress,
        s.SettledByAdmin: _settled,
        s.DatabaseLost: lambda _: "nothing was sent: this cmbot process had lost the database",
        s.EffectUnseen: _unseen,
        s.RejectedBecause: lambda fact: f": {fact.reason}",
        s.NoDecision: lambda _: "there was no decision in time",
        s.Adopted: _adopted,
        s.SeenLater: lambda fact: f"the effect was seen; {step_text(fact.sight)}",
        s.NotApplied: lambda fact: f"not applied: one leader with a quorum held for {fact.seconds:g} s without it",
        s.ComparisonOver: lambda _: "a later operation changed the same thing: no further comparison",
        s.Compared: _compared,
        s.CardRefused: lambda fact: f"the card could not be posted: {fact.error}",
        s.KeptForGood: lambda _: ": it no longer goes back",
        s.ChangedSince: lambda fact: f"operation #{fact.op} changed it since, so it no longer goes back",
        s.LeaseEnded: _lease_ended,
        s.RestoresOldValue: lambda _: "the old value is restored",
        s.RestoreRefused: lambda fact: f"{_refusals(fact.checks)} {_by_hand(fact)}",
        s.RestoreUnread: lambda fact: f"the stored value of {fact.task} could not be read; {_by_hand(fact)}",
        s.RestoreSkipped: _skipped,
    }
)
"""Words for each kind of fact."""

WORDING = Wording(check_text, step_text, difference_text, why_text)
"""Words of an operation's facts, for its stored form."""
