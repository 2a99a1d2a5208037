"""A simulated Clustermgr cluster: `async with SimulatedCluster(flavour="v3.5") as cluster` serves `cluster.hosts`."""

from bot.playground.cluster.clock import Clock, RealClock, VirtualClock
from bot.playground.cluster.cluster import SimulatedCluster
from bot.playground.cluster.data import Data, Service, Volumes
from bot.playground.cluster.demo import demo_data
from bot.playground.cluster.disks import Disk
from bot.playground.cluster.flavour import FLAVOURS, Flavour
from bot.playground.cluster.nodes import Role
from bot.playground.cluster.raft import NotPossible
from bot.playground.cluster.timing import Timing

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
    "VirtualClock",
    "Volumes",
    "demo_data",
]
