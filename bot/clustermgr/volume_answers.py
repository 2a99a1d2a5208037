"""Volume answers: which ones can be used, and what is kept of them. No I/O."""

from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.models import PlacedUnit, Volume
from bot.clustermgr.volume_survey import PlacedVolume


def index_of(unit: PlacedUnit) -> int:
    """Place of the unit in its code mode, from 0."""
    return unit["vuid"] >> 24 & 0xFF


def is_whole(volume: Volume) -> bool:
    """True if the answer has each unit once, at its index: what is missing from it must not count as safe."""
    mode = CODE_MODES.get(volume.code_mode)
    number = len(volume.units) if mode is None else mode.units
    first = volume.vid << 8
    # The upper 40 bits of a vuid are the volume and the index.
    places = sorted([unit["vuid"] >> 24 for unit in volume.units])
    return number > 0 and places == list(range(first, first + number)) and all(disks_of(volume))


def disks_of(volume: Volume) -> list[int]:
    """The disks of its units, in the order of the answer."""
    return [unit["disk_id"] for unit in volume.units]


def placed(volume: Volume, at: float) -> PlacedVolume:
    """Keep what is needed of a volume."""
    units = sorted(volume.units, key=index_of)
    return PlacedVolume(volume.vid, volume.code_mode, volume.health_score, tuple([u["disk_id"] for u in units]), at)
