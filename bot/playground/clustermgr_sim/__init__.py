"""A simulated Clustermgr cluster: `async with SimulatedCluster(flavour="v3.5") as cluster` serves `cluster.hosts`."""

from bot.playground.clustermgr_sim.clock import Clock, RealClock, Timing, VirtualClock
from bot.playground.clustermgr_sim.cluster import SimulatedCluster
from bot.playground.clustermgr_sim.data import Data, Service
from bot.playground.clustermgr_sim.demo import add_volumes, demo_data
from bot.playground.clustermgr_sim.disks import Disk
from bot.playground.clustermgr_sim.flavour import FLAVOURS, Flavour
from bot.playground.clustermgr_sim.nodes import Role
from bot.playground.clustermgr_sim.raft import NotPossible
from bot.playground.clustermgr_sim.volumes import Unit, Volume, Volumes

__all__ = [
    "FLAVOURS",
    "Clock",
    "Data",
    "Disk",
    "Flavour",
    "NotPossible",
    "RealClock",
    "Role",
    "Service",
    "SimulatedCluster",
    "Timing",
    "Unit",
    "VirtualClock",
    "Volume",
    "Volumes",
    "add_volumes",
    "demo_data",
]
