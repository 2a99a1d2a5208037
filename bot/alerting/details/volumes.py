"""Details of findings about volumes. No I/O."""

from dataclasses import dataclass

from bot.alerting.model import Detail


@dataclass(frozen=True, slots=True)
class VolumeLoss:
    """A volume and the disks that hold units of it that are lost, or unreachable; a disk may hold several.

    `mode` is the name of its code mode ("" for an unknown one, of which `mode_id` is the number), `left` the number of
    units that it can lose yet (None: not known).
    """

    vid: int
    mode: str
    mode_id: int
    lost: tuple[int, ...]
    unreachable: tuple[int, ...]
    left: int | None


@dataclass(frozen=True, slots=True)
class UnitsLeft:
    """A disk that is listed as repaired or dropped, and the number of units that are still on it."""

    disk: int
    units: int


@dataclass(frozen=True, slots=True)
class DisksNotEmpty(Detail):
    """Disks that are listed as repaired or dropped, but hold units; `disks` are the first of `total`."""

    total: int
    disks: tuple[UnitsLeft, ...]


@dataclass(frozen=True, slots=True)
class VolumesAtRisk(Detail):
    """Volumes that can lose one more unit (`one_left`) or none (`none_left`); `volumes` are the worst of them.

    `unknown` have lost units and a code mode that is not known.
    `unwritten` is set while missing shards are not rebuilt: each margin may be smaller by up to so many units.
    """

    one_left: int
    none_left: int
    volumes: tuple[VolumeLoss, ...]
    unwritten: int = 0
    unknown: int = 0

    @property
    def more(self) -> int:
        """Number of volumes that are not among `volumes`."""
        return self.one_left + self.none_left + self.unknown - len(self.volumes)


@dataclass(frozen=True, slots=True)
class VolumesLost(Detail):
    """Volumes that have lost more units than their code mode tolerates; `volumes` are the worst of `total`."""

    total: int
    volumes: tuple[VolumeLoss, ...]


@dataclass(frozen=True, slots=True)
class VolumesUnreachable(Detail):
    """Volumes with more units lost or unreachable than they tolerate; `volumes` are the worst of `total`."""

    total: int
    volumes: tuple[VolumeLoss, ...]
