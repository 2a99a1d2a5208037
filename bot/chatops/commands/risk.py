"""/cm risk: the volumes that have lost units, answered at once and completed in place."""

from collections.abc import AsyncIterator

from bot.alerting.cluster_state.switches import shard_repair_off
from bot.alerting.volume_risk import risks_of, unwritten
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
    yield Reply(risk(_report(call, snapshot, survey)), private=False)
    if survey.known and not survey.complete:
        snapshot, survey = await cluster.survey(COMPLETE_SECONDS)
        yield Reply(risk(_report(call, snapshot, survey)), private=False)


def _report(call: Call, snapshot: Snapshot, survey: VolumeSurvey) -> RiskReport:
    cluster = call.the_cluster.name
    risks = risks_of(survey, snapshot.expired_disks)
    off = shard_repair_off(call.remembered(cluster).state, call.now)
    return RiskReport(
        cluster,
        risks,
        survey,
        snapshot.at,
        unwritten=unwritten(risks) if off else 0,
        expired=snapshot.expired_disks,
    )


RISK = Command(
    path=("risk",),
    summary="The volumes that have lost units: how many more each can lose, and the disks that decide it.",
    args=NoArgs,
    run=run_risk,
    examples=("/cm risk", "/cm risk prod"),
    notes="Lost units are on broken, repairing, repaired or dropped disks; unreachable ones are on disks without a "
    "heartbeat. Local parity is not counted. Volumes that are not read yet are named as such.",
)
