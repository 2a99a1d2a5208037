"""Volume answers: which ones can be used, and what is kept of them. No I/O."""

from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.models import Volume
from bot.clustermgr.volume_survey import PlacedVolume


def is_whole(volume: Volume) -> bool:
    """True if the answer has each unit once, at its index: what is missing from it must not count as safe."""
    mode = CODE_MODES.get(volume.code_mode)
    indexes = sorted(unit.index for unit in volume.units)
    number = len(indexes) if mode is None else mode.units
    own = all(unit.vuid >> 32 == volume.vid and unit.disk_id for unit in volume.units)
    return own and number > 0 and indexes == list(range(number))


def placed(volume: Volume, at: float) -> PlacedVolume:
    """Keep what is needed of a volume."""
    units = sorted(volume.units, key=lambda unit: unit.index)
    return PlacedVolume(volume.vid, volume.code_mode, volume.health_score, tuple(unit.disk_id for unit in units), at)
