"""Risk of volumes: the units that each has lost, cannot reach or moves, and how many more it can lose. No I/O.

The three counts are never mixed. A unit is *lost* on a disk that is broken or repairing, or that is listed as repaired
or dropped although the unit is still on it. It is *unreachable* on a disk that lost its heartbeat: a host that restarts
brings it back. A disk in a state of a later release counts as unreachable too, because nothing is known of it. A unit
*moves* on a disk that is being dropped and is otherwise healthy, which loses nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from enum import IntEnum
from functools import cached_property
from types import MappingProxyType

from bot.clustermgr.code_modes import CodeMode
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey, unexplained
from bot.common.frozen import frozen


class RiskLevel(IntEnum):
    """How near a volume is to losing data, the worst last."""

    NONE = 0
    REDUCED = 1
    """Units are lost; two or more can be lost yet."""
    ONE_LEFT = 2
    """It can lose one more unit."""
    UNREADABLE = 3
    """It cannot be read while its unreachable units stay away; only a standing, because these units may come back."""
    UNKNOWN = 4
    """Units are lost, and its code mode is not known, so neither is what it can lose."""
    NONE_LEFT = 5
    """The next lost unit loses data."""
    LOST = 6
    """More units are lost than the code mode tolerates."""


_LEVELS: Mapping[int, RiskLevel] = MappingProxyType({0: RiskLevel.NONE_LEFT, 1: RiskLevel.ONE_LEFT})
"""Levels by the number of units that can be lost yet."""


@frozen
class VolumeRisk:
    """The units of one volume that are not safe, by the ids of their disks.

    Only units that the code mode counts: local parity is left out. `mode` is None for an unknown code mode: nothing is
    known of what it tolerates. `unnamed` is the number of further unreachable units, on disks that cannot be named.
    """

    vid: int
    mode_id: int
    mode: CodeMode | None
    lost: tuple[int, ...] = ()
    unreachable: tuple[int, ...] = ()
    moving: tuple[int, ...] = ()
    unnamed: int = 0

    @property
    def away(self) -> int:
        """Number of unreachable units."""
        return len(self.unreachable) + self.unnamed

    @property
    def left(self) -> int | None:
        """Number of units that can be lost yet; negative if data is lost, None for an unknown code mode."""
        return None if self.mode is None else self.mode.tolerated - len(self.lost)

    @property
    def left_if_unreachable_stay(self) -> int | None:
        """Number of units that can be lost yet if the unreachable ones do not come back."""
        return None if self.left is None else self.left - self.away

    @property
    def level(self) -> RiskLevel:
        """Level by the lost units alone."""
        if not self.lost:
            return RiskLevel.NONE
        left = self.left
        if left is None:
            return RiskLevel.UNKNOWN
        return RiskLevel.LOST if left < 0 else _LEVELS.get(left, RiskLevel.REDUCED)

    @property
    def unreadable(self) -> bool:
        """True if it cannot be read while its unreachable units stay away, but has not lost data."""
        left, stay = self.left, self.left_if_unreachable_stay
        return left is not None and stay is not None and stay < 0 <= left

    @property
    def standing(self) -> RiskLevel:
        """Level with the unreachable units: what reports say of the volume."""
        return max(self.level, RiskLevel.UNREADABLE) if self.unreadable else self.level


@frozen
class _Sets:
    """The disks on which units are lost, unreachable or moving; none is in two sets."""

    lost: frozenset[int]
    away: frozenset[int]
    moving: frozenset[int]


def _sets(disks: SuspectDisks, expired: frozenset[int]) -> _Sets:
    away = (expired | disks.expired | disks.unknown) - disks.lost
    return _Sets(disks.lost, away, disks.dropping - disks.lost - away)


def volume_risk(
    volume: PlacedVolume,
    disks: SuspectDisks,
    expired: frozenset[int] = frozenset(),
    extended: tuple[CodeMode, ...] = (),
) -> VolumeRisk:
    """Count the units of one volume on disks that are not safe; `expired` have probably lost their heartbeat too.

    `extended` are the code modes that users defined.
    """
    return _risk(volume, volume.mode(extended), _sets(disks, expired), {})


def _risk(
    volume: PlacedVolume, mode: CodeMode | None, sets: _Sets, known: dict[tuple[int, ...], tuple[int, ...]]
) -> VolumeRisk:
    """The risk of one volume; equal lists of disks are one object, kept in `known`."""
    counted = volume.disks if mode is None else volume.disks[: mode.counted]
    lost, away, moving = _on(counted, sets.lost), _on(counted, sets.away), _on(counted, sets.moving)
    return VolumeRisk(
        volume.vid,
        volume.code_mode,
        mode,
        known.setdefault(lost, lost),
        known.setdefault(away, away) if away else (),
        known.setdefault(moving, moving) if moving else (),
    )


def _on(counted: tuple[int, ...], disks: frozenset[int]) -> tuple[int, ...]:
    """The disks of these units that are among `disks`."""
    return () if disks.isdisjoint(counted) else tuple([disk for disk in counted if disk in disks])


SETTLED_SECONDS = 600.0
"""Time without a change of the leader's counters after which no further disk is believed to be without a heartbeat."""
_PASSES = 8


def infer_expired(
    volumes: Iterable[PlacedVolume],
    disks: SuspectDisks,
    sound: frozenset[int] = frozenset(),
    at_most: int | None = None,
) -> frozenset[int]:
    """Disks that have probably lost their heartbeat: no call names them.

    A disk without a heartbeat makes every volume on it less healthy. So a disk with a volume without an unexplained
    unit has its heartbeat, as `sound` disks do, and a volume that has no more other disks than unexplained units names
    them. What is named explains units of other volumes. `at_most` is the number of these disks, if it is certain: a
    volume that misses as many units has all of them.
    """
    known = disks.known
    rows = [(unexplained(each, disks), [disk for disk in each.disks if disk not in known]) for each in volumes]
    alive, silent = set(sound), set[int]()
    for missing, own in rows:
        if not missing:
            alive.update(own)
    first: frozenset[int] | None = None
    for _ in range(_PASSES):
        before = len(alive), len(silent)
        left = _one_pass(rows, alive, silent, sure=first is None)
        if left is None:
            return first or frozenset()
        first = frozenset(silent) if first is None else first
        if at_most is not None:
            alive |= _others(left, alive, silent, at_most)
        if before == (len(alive), len(silent)):
            break
        rows = left
    return frozenset(silent)


_Rows = list[tuple[int, list[int]]]
"""The unexplained units of each volume, and its disks that are not known."""


def _one_pass(rows: _Rows, alive: set[int], silent: set[int], *, sure: bool) -> _Rows | None:
    """Add what follows from each volume by itself, if `sure`, and else from the disks that are named too.

    Returns the volumes that miss units. None if one contradicts the others: something else lowers its health, so that
    no conclusion from it holds.
    """
    left: _Rows = []
    for count, own in rows:
        named = frozenset[int]() if sure else silent
        possible = [disk for disk in own if disk not in alive and disk not in named]
        missing = count - sum(disk in named for disk in own)
        if not sure and not 0 <= missing <= len(possible):
            return None
        if not count:
            continue
        left.append((count, own))
        if not missing:
            alive.update(possible)
        elif len(possible) <= missing:
            silent.update(possible)
    return left


def _others(rows: _Rows, alive: set[int], silent: set[int], at_most: int) -> set[int]:
    """The disks that are not on a volume with all disks that are left to find."""
    more = at_most - len(silent)
    possible = [(count - sum(d in silent for d in own), {*own} - alive - silent, own) for count, own in rows]
    found = {disk for _, others, _ in possible for disk in others}
    whole = [others for missing, others, own in possible if missing == more > 0 and len({*own}) == len(own)]
    return found - found.intersection(*whole) if whole else set()


_MAX_KEPT = 8
"""Sets of disks whose volumes are kept."""


class VolumeRisks(tuple[VolumeRisk, ...]):  # noqa: SLOT001 - cached properties need a dictionary
    """The risks of a survey, the worst first; what is asked of all of them is computed once."""

    @cached_property
    def levels(self) -> Mapping[RiskLevel, int]:
        """Number of volumes at each level."""
        return dict.fromkeys(RiskLevel, 0) | Counter([risk.level for risk in self])

    @cached_property
    def standings(self) -> Mapping[RiskLevel, int]:
        """Number of volumes at each standing; unreachable units count too."""
        return dict.fromkeys(RiskLevel, 0) | Counter([risk.standing for risk in self])

    @cached_property
    def away(self) -> frozenset[int]:
        """The disks with units that are unreachable."""
        return frozenset(disk for risk in self for disk in risk.unreachable)

    @cached_property
    def unreachable(self) -> int:
        """Number of volumes that have lost no unit and can be read, with units that are unreachable."""
        return sum(risk.standing is RiskLevel.NONE and bool(risk.away) for risk in self)

    @cached_property
    def unwritten(self) -> int:
        """Number of units by which these margins may be smaller while missing shards are not rebuilt."""
        return max((risk.mode.unwritten for risk in self if risk.mode is not None and risk.lost), default=0)

    @cached_property
    def missing_too_many(self) -> "VolumeRisks":
        """The volumes that cannot be read while their unreachable units stay away, without those that lost data."""
        return VolumeRisks(risk for risk in self if risk.unreadable)

    @cached_property
    def lowest_left(self) -> int | None:
        """The fewest units that one of these can lose yet; None if that is not known of each, or there is none."""
        left = {risk.left for risk in self}
        return None if None in left else min((each for each in left if each is not None), default=None)

    @cached_property
    def _of_disks(self) -> dict[frozenset[int], "VolumeRisks"]:
        return {}

    def of_disks(self, disks: frozenset[int]) -> "VolumeRisks":
        """The volumes with a unit on one of these disks that is not safe there."""
        if disks not in self._of_disks:
            if len(self._of_disks) >= _MAX_KEPT:
                self._of_disks.clear()
            self._of_disks[disks] = VolumeRisks(
                risk
                for risk in self
                if not (
                    disks.isdisjoint(risk.lost) and disks.isdisjoint(risk.unreachable) and disks.isdisjoint(risk.moving)
                )
            )
        return self._of_disks[disks]

    @cached_property
    def near(self) -> "VolumeRisks":
        """The volumes that can lose at most one more unit, or an unknown number; without those that lost data."""
        return VolumeRisks(self.from_level(RiskLevel.ONE_LEFT)[self.levels[RiskLevel.LOST] :])

    def from_level(self, level: RiskLevel) -> "VolumeRisks":
        """The volumes at this level or a worse one."""
        return VolumeRisks(self[: sum(number for each, number in self.levels.items() if each >= level)])


def at_risk(risks: Iterable[VolumeRisk]) -> tuple[VolumeRisk, ...]:
    """The volumes with units that are lost or unreachable, the worst standing first."""
    found = [risk for risk in risks if risk.lost or risk.away]
    return tuple(sorted(found, key=lambda risk: (-risk.standing, *_worst_first(risk))))


def _worst_first(risk: VolumeRisk) -> tuple[int, int, int, int]:
    with_unreachable = risk.left_if_unreachable_stay
    return (-risk.level, -1 if with_unreachable is None else with_unreachable, -len(risk.lost), risk.vid)


def affected(risks: VolumeRisks, disks: Collection[int]) -> VolumeRisks:
    """The volumes with a unit on one of these disks that is not safe there, the worst first."""
    return risks.of_disks(frozenset(disks))


def together(risks: Iterable[VolumeRisk]) -> VolumeRisks:
    """The same risks, with what is asked of all of them."""
    return risks if isinstance(risks, VolumeRisks) else VolumeRisks(risks)


def silent_by_the_watch(survey: VolumeSurvey | None, expired_disks: int) -> frozenset[int]:
    """The disks without a heartbeat that the watch names; none if the leader counts none, or if its reads are stale.

    A replica that does not watch the cluster keeps what it read when it last did.
    """
    if survey is None or survey.stale.since or not expired_disks:
        return frozenset()
    return risks_of(survey, expired_disks).away


def risks_of(survey: VolumeSurvey, expired_disks: int) -> VolumeRisks:
    """The risk of each volume that is read, the worst first; computed again only once a volume or a disk has changed.

    `expired_disks` is the number of disks without a heartbeat by the leader's counters: if it is 0, none is inferred,
    because a compaction lowers the health of a volume too.
    """
    # Until then the counters may not have all of these disks.
    settled = survey.complete and survey.read_at - survey.changed_at >= SETTLED_SECONDS
    key = (survey.disks, expired_disks, survey.extended, settled)
    known = survey.memo.get(key)
    if isinstance(known, VolumeRisks):
        return known
    at_most = expired_disks if settled and not survey.disks.expired else None
    risks = judged(
        survey.volumes.values(),
        survey.disks,
        expired_disks,
        survey.sound,
        survey.extended,
        at_most=at_most,
        since=survey.changed_at,
    )
    for old in [each for each in survey.memo if each != (survey.disks, 0, survey.extended, settled)]:
        del survey.memo[old]
    survey.memo[key] = risks
    return risks


def judged(
    volumes: Collection[PlacedVolume],
    disks: SuspectDisks,
    expired_disks: int,
    sound: frozenset[int] = frozenset(),
    extended: tuple[CodeMode, ...] = (),
    *,
    at_most: int | None = None,
    since: float = 0.0,
) -> VolumeRisks:
    """The risk of these volumes, the worst first; `sound` disks hold a volume without an unexplained unit.

    Volumes that were read before `since` name no disk: others had lost their heartbeat then. `at_most` is the certain
    number of disks without a heartbeat that are not known.
    """
    current = [volume for volume in volumes if volume.at >= since] if since else volumes
    expired = infer_expired(current, disks, sound, at_most) if expired_disks else frozenset()
    unnamed = max(0, expired_disks - len(expired | disks.expired))
    sets, lists = _sets(disks, expired), dict[tuple[int, ...], tuple[int, ...]]()
    found = []
    for volume in volumes:
        risk, more = _risk(volume, volume.mode(extended), sets, lists), 0
        if unnamed:
            more = min(unnamed, unnamed_units(volume, disks, expired, sound, extended))
        found.append(replace(risk, unnamed=more) if more else risk)
    return VolumeRisks(sorted(found, key=_worst_first))


def unnamed_units(
    volume: PlacedVolume,
    disks: SuspectDisks,
    expired: frozenset[int],
    sound: frozenset[int] = frozenset(),
    extended: tuple[CodeMode, ...] = (),
) -> int:
    """Number of units that the health says are away, on disks that cannot be named, and that the code mode may count.

    A unit on a disk that is known, named or sound is not one of them; local parity is not counted. Of an unknown code
    mode every unit may count.
    """
    more = unexplained(volume, disks) - sum(disk in expired for disk in volume.disks)
    if more <= 0:
        return 0
    mode = volume.mode(extended)
    counted = volume.disks if mode is None else volume.disks[: mode.counted]
    explained = disks.known | expired | sound
    return min(more, sum(disk not in explained for disk in counted))


def unwritten(risks: Iterable[VolumeRisk]) -> int:
    """Number of units by which these margins may be smaller while missing shards are not rebuilt."""
    return together(risks).unwritten
