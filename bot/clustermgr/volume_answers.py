"""Volume answers: which ones can be used, and what is kept of them. No I/O."""

from collections.abc import Iterable, Sequence

from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.volume_models import PlacedUnit, Volume
from bot.clustermgr.volume_survey import PlacedVolume


def index_of(unit: PlacedUnit) -> int:
    """Place of the unit in its code mode, from 0."""
    return unit["vuid"] >> 24 & 0xFF


def is_whole(volume: Volume) -> bool:
    """True if the answer has each unit once, at its index: what is missing from it must not count as safe."""
    return placed_if_whole(volume, 0.0) is not None


def placed(volume: Volume, at: float) -> PlacedVolume:
    """Keep what is needed of a volume."""
    units = sorted(volume.units, key=index_of)
    return PlacedVolume(volume.vid, volume.code_mode, volume.health_score, tuple([u["disk_id"] for u in units]), at)


def placed_if_whole(volume: Volume, at: float) -> PlacedVolume | None:
    """Keep what is needed of a volume, None if the answer does not have each unit once, at its index."""
    mode = CODE_MODES.get(volume.code_mode)
    number = len(volume.units) if mode is None else mode.units
    # The upper 40 bits of a vuid are the volume and the index.
    first = volume.vid << 8
    places = [unit["vuid"] >> 24 for unit in volume.units]
    disks = disks_of(volume)
    expected = list(range(first, first + number))
    if places != expected:
        if sorted(places) != expected:
            return None
        disks = [disk for _, disk in sorted(zip(places, disks, strict=True))]
    if not number or not all(disks):
        return None
    return PlacedVolume(volume.vid, volume.code_mode, volume.health_score, tuple(disks), at)


def disks_of(volume: Volume) -> list[int]:
    """The disks of its units, in the order of the answer."""
    return [unit["disk_id"] for unit in volume.units]


Rows = Sequence[tuple[Volume, PlacedVolume | None]]
"""The volumes of a page, each with what is kept of it: None if its answer is not whole."""


def rows_of(page: Iterable[Volume], at: float) -> Rows:
    """Judge each volume of a page."""
    return [(volume, placed_if_whole(volume, at)) for volume in page]
