"""/cm risk: the volumes that have lost units, answered at once and completed in place."""

from collections.abc import AsyncIterator
from dataclasses import replace

from bot.alerting.cluster_state.counters import is_fresh
from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.risk_facts import away_since, caveats_of, lost_disks, lost_since
from bot.alerting.volume_risk import risks_of
from bot.chatops.commands.deadline import in_time
from bot.chatops.commands.stat import NoArgs
from bot.clustermgr.models import Snapshot
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.interactions.command import Call, Command, Reply
from bot.views.risk import RiskReport, risk

FIRST_SECONDS = 3.0
"""Time for the first answer."""
COMPLETE_SECONDS = 45.0
"""Time for the second answer, if volumes were left to read."""


async def run_risk(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Answer with what can be read in time; a second answer replaces it once the rest is read."""
    cluster = call.the_cluster
    snapshot, survey = await in_time(cluster.survey(FIRST_SECONDS), cluster.name, "its volumes")
    yield _reply(_report(call, snapshot, survey))
    if survey.known and not survey.complete:
        snapshot, survey = await cluster.survey(COMPLETE_SECONDS)
        yield _reply(_report(call, snapshot, survey))


def _reply(report: RiskReport) -> Reply:
    return Reply(risk(report), private=False, facts=report)


def _report(call: Call, snapshot: Snapshot, survey: VolumeSurvey) -> RiskReport:
    cluster = call.the_cluster.name
    state = call.remembered(cluster).state
    # A new leader counts every disk as expired and lowers the health of every volume: nothing can be inferred then.
    fresh = is_fresh(snapshot, state)
    risks = risks_of(survey, 0 if fresh else snapshot.expired_disks)
    # A disk that broke since the last poll of the watch is lost since now at the latest.
    notes = lost_disks(state.lost_disks, replace(snapshot, volumes=survey), watched=False)
    known = {note.id: note for note in notes}
    # The same holds for a disk that lost its heartbeat.
    away = state.expired_since if snapshot.expired_disks <= state.expired else snapshot.at
    found = (
        (risk.vid, lost_since(risk, known) if risk.lost else away_since(risk, survey, away or snapshot.at))
        for risk in risks
    )
    return RiskReport(
        cluster,
        risks,
        survey,
        snapshot.at,
        since={vid: since for vid, since in found if since is not None},
        caveats=caveats_of(snapshot, survey, risks, shards_not_rebuilt(state, call.now), fresh=fresh, lost=notes),
    )


RISK = Command(
    path=("risk",),
    summary="The volumes that have lost units: how many more each can lose, and the disks that decide it.",
    args=NoArgs,
    run=run_risk,
    examples=("/cm risk", "/cm risk prod"),
    notes="Lost units are on broken, repairing, repaired or dropped disks; unreachable ones are on disks without a "
    'heartbeat. Local parity is not counted. Volumes that are not read yet are named as such. "Since" is when the last '
    "of the lost units was lost; without lost units, since when the unreachable ones are away at the latest.",
)
