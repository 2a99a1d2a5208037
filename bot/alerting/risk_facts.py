"""Facts about the risk of volumes that alerts, reports and the stored state share. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum

from bot.alerting.volume_risk import RiskLevel, VolumeRisk, together, unwritten
from bot.clustermgr.models import Snapshot
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.common.frozen import frozen

MAX_LOST_DISKS = 200


class NotRebuilt(StrEnum):
    """Why missing shards of blobs may not be rebuilt."""

    OFF = "off"
    UNKNOWN = "unknown"
    NOT_REGISTERED = "not_registered"
    """It is on, but no scheduler is registered."""
    SILENT = "silent"
    """It is on, but no scheduler answers."""
    FAILING = "failing"
    """It is on, but fails."""
    UNSEEN = "unseen"
    """It is on, but nothing says if it is done."""


@frozen
class SafetyCounts:
    """Number of volumes with lost data, of those near it, and of others with units that are lost or unreachable."""

    lost: int
    near: int
    reduced: int


@frozen
class RiskCaveats:
    """What makes a statement about volumes less sure.

    `judged` is False if no volume could be judged. `pending_disks` have units that were not read yet, `pending_volumes`
    were not read yet (None: some, not counted). The units of `stale_disks` disks and `stale_volumes` volumes were read
    last at `stale_since` or later (Unix seconds, 0: all are current), which is too long ago. `listed` is False while it
    is not known which disks are repaired or dropped; the disk list lacks `missing` disks. `held` disks had units when
    they were counted last, and are not listed as repaired or dropped any more. Each margin may be smaller by up to
    `unwritten` units, because of `not_rebuilt`. `unnamed` disks have no heartbeat and are not known; `heartbeats` is
    False while a new leader has not counted them. `dashboard` has the cluster's own counts where they differ from
    `counts`.
    """

    judged: bool = True
    pending_disks: int | None = 0
    pending_volumes: int | None = 0
    listed: bool = True
    unwritten: int = 0
    not_rebuilt: NotRebuilt | None = None
    unnamed: int = 0
    counts: SafetyCounts | None = None
    dashboard: SafetyCounts | None = None
    heartbeats: bool = True
    stale_disks: int | None = 0
    stale_volumes: int | None = 0
    stale_since: float = 0.0
    missing: int = 0
    held: int = 0

    @property
    def complete(self) -> bool:
        """True if every volume that may be affected was judged, by reads that are current."""
        read = self.pending_disks == 0 and self.pending_volumes == 0 and not self.stale_since
        return self.judged and self.listed and read and not self.held

    @property
    def steady(self) -> "RiskCaveats":
        """The same without the numbers that move with every poll while disks and volumes are read."""
        disks, volumes, stale_disks, stale_volumes = (
            0 if number == 0 else None
            for number in (self.pending_disks, self.pending_volumes, self.stale_disks, self.stale_volumes)
        )
        return replace(
            self,
            pending_disks=disks,
            pending_volumes=volumes,
            stale_disks=stale_disks,
            stale_volumes=stale_volumes,
        )

    def about(self, risks: Sequence[VolumeRisk]) -> "RiskCaveats":
        """The caveats of a statement on the lost units of these volumes: heartbeats and other disks do not matter."""
        smaller = unwritten(risks) if self.not_rebuilt else 0
        why = self.not_rebuilt if smaller else None
        return replace(
            self, unwritten=smaller, not_rebuilt=why, unnamed=0, counts=None, dashboard=None, heartbeats=True, held=0
        )


def caveats_of(
    snapshot: Snapshot,
    survey: VolumeSurvey | None,
    risks: Sequence[VolumeRisk],
    not_rebuilt: NotRebuilt | None,
    *,
    fresh: bool = False,
    lost: "Sequence[LostDisk]" = (),
) -> RiskCaveats:
    """What is not sure about the risks of a survey; `fresh` if the leader has not counted heartbeats yet.

    `lost` are the notes of disks whose units are lost.
    """
    if survey is None or not survey.known or snapshot.leader is None:
        return RiskCaveats(judged=False)
    expired = 0 if fresh else snapshot.expired_disks
    away = together(risks).away | survey.disks.expired if expired else frozenset()
    counts, dashboard = _compared(survey, risks)
    smaller = unwritten(risks) if not_rebuilt else 0
    return RiskCaveats(
        pending_disks=len(survey.pending_disks),
        pending_volumes=survey.pending_volumes,
        listed=survey.disks.listed,
        unwritten=smaller,
        not_rebuilt=not_rebuilt if smaller else None,
        unnamed=max(0, expired - len(away - survey.disks.unknown)),
        counts=counts,
        dashboard=dashboard,
        heartbeats=not fresh,
        stale_disks=len(survey.stale.disks),
        stale_volumes=survey.stale.volumes,
        stale_since=survey.stale.since,
        missing=survey.disks.missing,
        held=len(not_counted_empty(lost, survey)),
    )


def counts_of(risks: Iterable[VolumeRisk]) -> SafetyCounts:
    """Count volumes by risk as the cluster's dashboard does."""
    found = together(risks)
    levels = found.levels
    away = sum(bool(risk.away) and not risk.lost for risk in found)
    near = levels[RiskLevel.NONE_LEFT] + levels[RiskLevel.ONE_LEFT] + levels[RiskLevel.UNKNOWN]
    return SafetyCounts(levels[RiskLevel.LOST], near, levels[RiskLevel.REDUCED] + away)


def _compared(
    survey: VolumeSurvey, risks: Sequence[VolumeRisk]
) -> tuple[SafetyCounts, SafetyCounts] | tuple[None, None]:
    """The own counts and those of the cluster's dashboard if they differ; not compared before all is judged."""
    safety = survey.dashboard.safety if survey.dashboard else None
    if safety is None or not survey.complete:
        return None, None
    own, other = counts_of(risks), SafetyCounts(safety.data_loss, safety.at_risk, safety.degraded)
    return (own, other) if own != other else (None, None)


@frozen
class RiskNote:
    """Number of volumes at each standing, as the watch last judged them; each volume counts once.

    `unreachable` ones have lost no unit and can be read, `unreadable` ones cannot be read while units stay away.
    """

    lost: int = 0
    none_left: int = 0
    unknown: int = 0
    one_left: int = 0
    reduced: int = 0
    unreachable: int = 0
    caveats: RiskCaveats = field(default_factory=RiskCaveats)
    unreadable: int = 0

    @property
    def volumes(self) -> int:
        """Number of volumes with units that are lost or unreachable."""
        worst = self.lost + self.none_left + self.unknown + self.unreadable
        return worst + self.one_left + self.reduced + self.unreachable

    @property
    def notable(self) -> bool:
        """True if there is something to say: a volume is affected, or some may be."""
        return bool(self.volumes) or not self.caveats.complete


@frozen
class RiskFact:
    """The risk of a cluster's volumes as judged at `at` (Unix seconds, 0: never), if there is something to say."""

    risk: RiskNote
    at: float


def note_of_risks(risks: Sequence[VolumeRisk], caveats: RiskCaveats) -> RiskNote:
    """Count the volumes by standing."""
    found = together(risks)
    levels = found.standings
    return RiskNote(
        levels[RiskLevel.LOST],
        levels[RiskLevel.NONE_LEFT],
        levels[RiskLevel.UNKNOWN],
        levels[RiskLevel.ONE_LEFT],
        levels[RiskLevel.REDUCED],
        found.unreachable,
        caveats,
        levels[RiskLevel.UNREADABLE],
    )


@frozen
class LostDisk:
    """A disk whose units are lost, or that is listed as repaired or dropped; times in Unix seconds.

    `since` is when its units were first seen lost (0: it holds none), `seen` is True if the watch saw that happen, so
    that they were not lost before. `gone_since` is when it was first seen repaired or dropped (0: it is not), `units`
    the last count after that, taken at `counted_at` (None: not counted).
    """

    id: int
    since: float
    seen: bool = False
    gone_since: float = 0.0
    units: int | None = None
    counted_at: float = 0.0


def lost_disks(old: Sequence[LostDisk], snapshot: Snapshot, *, watched: bool) -> tuple[LostDisk, ...]:
    """The notes after this snapshot, by id; `watched` is False if the poll before it is long ago.

    A disk that is listed as normal again holds units because it is in use, and one that is broken again is not to be
    emptied before its repair: neither is taken for repaired or dropped any more.

    The time that a disk reports of itself is no help: servers do not change it with the state (recorded exchanges).
    """
    survey = snapshot.volumes
    if snapshot.leader is None or snapshot.bad_disks is None or survey is None or not survey.known:
        return tuple(old)
    known = {note.id: note for note in old}
    bad = {disk.disk_id for disk in snapshot.bad_disks}
    gone = survey.disks.gone - bad
    left = known.keys() - bad - gone - survey.in_use
    # A disk that was not empty when it was counted is not empty because another state is listed for it, or none.
    filled = {disk for disk in left if known[disk].gone_since and known[disk].units}
    unlisted = set() if survey.disks.listed else left - filled
    found = [
        *(_bad(known.get(disk), LostDisk(disk, snapshot.at, seen=watched)) for disk in bad),
        *(_gone(known.get(disk) or LostDisk(disk, snapshot.at), survey, snapshot.at) for disk in gone),
        *(_gone(known[disk], survey, snapshot.at) for disk in filled),
        *(known[disk] for disk in unlisted),
    ]
    kept = sorted(found, key=lambda note: (not note.since, -note.gone_since, note.id))[:MAX_LOST_DISKS]
    return tuple(sorted(kept, key=lambda note: note.id))


def not_counted_empty(notes: Iterable[LostDisk], survey: VolumeSurvey) -> tuple[LostDisk, ...]:
    """The disks that held units and are listed in another state now, or not at all; no later count found them empty."""
    return tuple(note for note in notes if note.gone_since and note.units and note.id not in survey.disks.gone)


def _bad(note: LostDisk | None, new: LostDisk) -> LostDisk:
    """The note of a disk that is broken or repairing; what was counted while it was repaired or dropped is void."""
    if note is None or not note.since:
        return new
    return LostDisk(note.id, note.since, note.seen)


def _gone(note: LostDisk, survey: VolumeSurvey, now: float) -> LostDisk:
    """The note of a disk that is listed as repaired or dropped, with its last count of units."""
    note = note if note.gone_since else replace(note, gone_since=now)
    count = survey.units.get(note.id)
    if count is None or count.at < note.gone_since:
        return note
    note = replace(note, units=count.units, counted_at=count.at)
    if not count.units:
        return replace(note, since=0.0, seen=False)
    return note if note.since else replace(note, since=count.at, seen=True)


@frozen
class Since:
    """A time (Unix seconds); if not `exact`, it may have been earlier."""

    at: float
    exact: bool


def away_since(risk: VolumeRisk, survey: VolumeSurvey, expired_since: float) -> Since | None:
    """Since when at the latest its unreachable units are away; None if it has none, or if that is not known.

    `expired_since` is when the number of disks without a heartbeat rose last (Unix seconds).
    """
    if not risk.away or not survey.disks.unknown.isdisjoint(risk.unreachable):
        return None
    return Since(expired_since, exact=False)


def lost_since(risk: VolumeRisk, notes: Mapping[int, LostDisk]) -> Since | None:
    """Since when the last of its lost units is lost; None if no unit is lost, or if that is not known."""
    found = [notes[disk] for disk in risk.lost if disk in notes and notes[disk].since]
    if not found or len(found) < len(risk.lost):
        return None
    latest = max(found, key=lambda note: (note.since, note.seen))
    return Since(latest.since, latest.seen)
