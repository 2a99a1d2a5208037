"""Volumes of the simulated cluster that are only counted: no unit of them lies on a disk."""

from bot.playground.clustermgr_sim.volumes import ACTIVE, EC3P3, IDLE, LOCKED, Volume, Volumes


def counted_volumes(idle: int = 0, active: int = 0, locked: int = 0, can_alloc: int = 0) -> Volumes:
    """Make so many volumes of each state, without units."""
    states = [IDLE] * idle + [ACTIVE] * active + [LOCKED] * locked
    volumes = Volumes(can_alloc)
    for vid, status in enumerate(states, start=1):
        volumes.put(Volume(vid, EC3P3, status))
    return volumes
