"""The volumes that the disks of an alert affect, for the rules about disks and volumes. No I/O."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.alerting.cluster_state.counters import is_fresh
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.details import AffectedVolumes
from bot.alerting.risk_facts import RiskCaveats, caveats_of, note_of_risks
from bot.alerting.rules.base import RuleContext
from bot.alerting.volume_risk import VolumeRisk, VolumeRisks, affected, risks_of


def all_caveats(context: RuleContext) -> RiskCaveats:
    """What is not sure about the risks of this cluster, and where its own dashboard counts otherwise; computed once."""
    known = context.computed.get(RiskCaveats)
    if not isinstance(known, RiskCaveats):
        known = context.computed[RiskCaveats] = _caveats(context)
    return known


def _caveats(context: RuleContext) -> RiskCaveats:
    not_rebuilt = shards_not_rebuilt(context.state, context.now)
    snapshot, fresh = context.snapshot, is_fresh(context.snapshot, context.state)
    lost = context.state.lost_disks
    return caveats_of(snapshot, snapshot.volumes, context.volume_risks, not_rebuilt, fresh=fresh, lost=lost)


def compared_caveats(context: RuleContext, risks: Sequence[VolumeRisk]) -> RiskCaveats:
    """What is not sure about a statement on these volumes, with the counts of the dashboard where they differ."""
    found = all_caveats(context)
    own = found.about(risks)
    return replace(found.steady, unwritten=own.unwritten, not_rebuilt=own.not_rebuilt)


def affected_by(context: RuleContext, disks: Collection[int], *, unnamed: bool = False) -> AffectedVolumes | None:
    """The volumes that these disks affect; None if all are judged and none is affected.

    With `unnamed`, also those with unreachable units on disks that cannot be named.
    """
    found = affected(context.volume_risks, disks) if context.snapshot.leader is not None else VolumeRisks()
    if unnamed and context.snapshot.leader is not None:
        named = {risk.vid for risk in found}
        found = VolumeRisks(risk for risk in context.volume_risks if risk.unnamed or risk.vid in named)
    known = all_caveats(context).about(found).steady
    if not found and known.complete:
        return None
    return AffectedVolumes(len(found), found.lowest_left, known, len(found.missing_too_many))


def with_risk(state: ClusterState, context: RuleContext) -> ClusterState:
    """The state with the risk of the volumes as of the oldest read, and since when disks have no heartbeat."""
    state = _with_expired(state, context)
    survey = context.snapshot.volumes
    if survey is None or not survey.known or context.snapshot.leader is None:
        return state
    # A new leader lowers the health of every volume, so that nothing can be inferred from it.
    fresh = is_fresh(context.snapshot, context.state)
    risks = risks_of(survey, 0) if fresh else context.volume_risks
    risk = note_of_risks(risks, all_caveats(context))
    return replace(state, risk=risk, risk_at=survey.as_of or context.now, judged_at=context.now)


def _with_expired(state: ClusterState, context: RuleContext) -> ClusterState:
    """Note the disks without a heartbeat: since the last rise of their number, each of them has had none."""
    snapshot = context.snapshot
    # A new leader counts every disk as expired.
    if snapshot.leader is None or is_fresh(snapshot, context.state):
        return state
    expired = snapshot.expired_disks
    since = context.now if expired > state.expired else state.expired_since if expired else 0.0
    if (expired, since) == (state.expired, state.expired_since):
        return state
    return replace(state, expired=expired, expired_since=since)
