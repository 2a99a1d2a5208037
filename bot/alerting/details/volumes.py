"""Details of findings about volumes. No I/O."""

from dataclasses import field, replace

from bot.alerting.model import Detail
from bot.alerting.risk_facts import RiskCaveats
from bot.common.frozen import frozen


@frozen
class AffectedVolumes:
    """Volumes with a unit on the disks of an alert that is not safe there.

    The worst of them can lose `left` more units (None: not known); `unreadable` of them cannot be read while units are
    unreachable. `caveats` are what makes this less sure.
    """

    volumes: int
    left: int | None
    caveats: RiskCaveats = field(default_factory=RiskCaveats)
    unreadable: int = 0


@frozen
class VolumeLoss:
    """A volume and the disks that hold units of it that are lost, or unreachable; a disk may hold several.

    `mode` is the name of its code mode ("" for an unknown one, of which `mode_id` is the number), `left` the number of
    units that it can lose yet (None: not known), `unnamed` that of further unreachable units on disks without a name.
    """

    vid: int
    mode: str
    mode_id: int
    lost: tuple[int, ...]
    unreachable: tuple[int, ...]
    left: int | None
    unnamed: int = 0


@frozen
class UnitsLeft:
    """A disk that is listed as repaired or dropped, the number of units that are still on it, and their first volumes.

    `total` is the number of those volumes (0: not known).
    """

    disk: int
    units: int
    volumes: tuple[int, ...] = ()
    total: int = 0


@frozen
class DisksNotEmpty(Detail):
    """Disks that are listed as repaired or dropped, but hold units; `disks` are the first of `total`."""

    total: int
    disks: tuple[UnitsLeft, ...]
    affected: AffectedVolumes | None = None

    def doubted(self, by: Detail) -> Detail:
        """The same with the caveats of a later finding."""
        if not isinstance(by, DisksNotEmpty) or by.affected is None:
            return self
        affected = by.affected if self.affected is None else replace(self.affected, caveats=by.affected.caveats)
        return replace(self, affected=affected)


@frozen
class VolumesAtRisk(Detail):
    """Volumes that can lose one more unit (`one_left`) or none (`none_left`); `volumes` are the worst of them.

    `unknown` have lost units and a code mode that is not known.
    `caveats` are what makes this less sure.
    """

    one_left: int
    none_left: int
    volumes: tuple[VolumeLoss, ...]
    unknown: int = 0
    caveats: RiskCaveats = field(default_factory=RiskCaveats)

    def doubted(self, by: Detail) -> Detail:
        """The same with the caveats of a later finding."""
        return replace(self, caveats=by.caveats) if isinstance(by, VolumesAtRisk) else self

    @property
    def more(self) -> int:
        """Number of volumes that are not among `volumes`."""
        return self.one_left + self.none_left + self.unknown - len(self.volumes)


@frozen
class VolumesLost(Detail):
    """Volumes that have lost more units than their code mode tolerates; `volumes` are the worst of `total`."""

    total: int
    volumes: tuple[VolumeLoss, ...]
    caveats: RiskCaveats = field(default_factory=RiskCaveats)

    def doubted(self, by: Detail) -> Detail:
        """The same with the caveats of a later finding."""
        return replace(self, caveats=by.caveats) if isinstance(by, VolumesLost) else self


@frozen
class VolumesUnreachable(Detail):
    """Volumes with more units lost or unreachable than they tolerate; `volumes` are the worst of `total`."""

    total: int
    volumes: tuple[VolumeLoss, ...]
    caveats: RiskCaveats = field(default_factory=RiskCaveats)

    def doubted(self, by: Detail) -> Detail:
        """The same with the caveats of a later finding."""
        return replace(self, caveats=by.caveats) if isinstance(by, VolumesUnreachable) else self
