"""What the watch knows of one disk: the volumes that it affects, and if it has its heartbeat. No I/O."""

from bot.alerting.cluster_state.counters import is_fresh
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.details import AffectedVolumes
from bot.alerting.risk_facts import caveats_of
from bot.alerting.volume_risk import affected, risks_of
from bot.clustermgr.models import Disk, DiskStatus, Snapshot
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.common.frozen import frozen


@frozen
class DiskRisk:
    """Volumes with a unit on the disk that is not safe there (None: none is known), and the heartbeat of the disk.

    `silent` is True if it has no heartbeat, as the cluster says (`named`) or the health of volumes shows. Else it may
    be one of `expired` disks of its zone without one (0: it is not).
    """

    affected: AffectedVolumes | None = None
    silent: bool = False
    named: bool = False
    expired: int = 0


def disk_risk(disk: Disk, snapshot: Snapshot | None, survey: VolumeSurvey, state: ClusterState, now: float) -> DiskRisk:
    """Judge a disk by the last poll and the volumes that the watch knows; by nothing while these reads are stale."""
    if snapshot is None or snapshot.leader is None or not survey.known or survey.stale.since:
        return DiskRisk()
    fresh = is_fresh(snapshot, state)
    risks = risks_of(survey, 0 if fresh else snapshot.expired_disks)
    found = affected(risks, {disk.disk_id})
    caveats = caveats_of(snapshot, survey, risks, shards_not_rebuilt(state, now), fresh=fresh).about(found)
    volumes = AffectedVolumes(len(found), found.lowest_left, caveats, len(found.missing_too_many)) if found else None
    if fresh or disk.status != DiskStatus.NORMAL or not snapshot.expired_disks:
        return DiskRisk(volumes)
    named = disk.disk_id in survey.disks.expired
    if named or disk.disk_id in risks.away - survey.disks.unknown:
        return DiskRisk(volumes, silent=True, named=named)
    sound = disk.disk_id in survey.sound or (survey.doubtful is not None and disk.disk_id not in survey.doubtful)
    zones = snapshot.leader[1].space_stat.disk_stat_infos
    expired = 0 if sound or disk.readonly else sum(zone.expired for zone in zones if zone.idc == disk.idc)
    return DiskRisk(volumes, expired=expired)
