"""Runbooks about volumes that have lost units."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

_COUNTS = (
    "A unit counts as lost on a disk that is broken or repairing, or that is listed as repaired or dropped while the "
    "unit is still on it. It is unreachable on a disk without a heartbeat. Local parity is not counted. The tolerance "
    "holds for blobs whose shards are complete."
)
VOLUMES: Mapping[str, Runbook] = MappingProxyType(
    {
        "volumes_lost": Runbook(
            "More units of these volumes are lost than their code mode can rebuild. Blobs that need them cannot be "
            "read, and a repair of them cannot finish.",
            (
                "Stop all work on disks and hosts of the cluster. Pull no disk, not even a repaired one.",
                "The alert names the disks. Can one of them still be read? Its units may be copied back from it.",
                "`/cm alerts` shows which disks broke, and when; keep their hardware.",
                "Ask the maintainers of CubeFS before you change anything else.",
            ),
            _COUNTS + " This alert is never listed in a group message only.",
        ),
        "volumes_at_risk": Runbook(
            "These volumes have lost units. If a few more are lost before the repair is done, data is lost.",
            (
                "`/cm tasks`: `disk_repair` must be on, and so must `shard_repair`.",
                "`/cm risk` lists the volumes, the worst first, and the disks that decide.",
                "Until the repair is done, stop no host that has other units of these volumes, and pull no disk.",
            ),
            _COUNTS + " A volume that can lose two or more units has no separate alert: the alert of the disks "
            "counts it.",
        ),
        "disk_not_empty": Runbook(
            "A unit can land on a disk that is already marked repaired (CubeFS, issue 3736), and a server marks a disk "
            "repaired with every unit on it when it is asked to. If the disk is pulled, these units are lost.",
            (
                "Leave the disk in its host.",
                "`/cm disk <id>` names the volumes; ask again after some minutes: a unit may just be on its way.",
                "If the units stay, read the scheduler's log, and ask the maintainers of CubeFS before you pull it.",
            ),
            "After a repair or a drop the units are counted every five minutes for the time `disks.recheck_for` in the "
            "settings (six hours), then once a day. A disk with units left is counted every five minutes.",
        ),
        "volumes_unreachable": Runbook(
            "Hosts are away. Together with the lost units, more units are missing than these volumes tolerate, so "
            "blobs cannot be read. When the hosts are back, the data is complete again.",
            (
                "Start the hosts of the disks that the alert names; look at their power and network first.",
                "Do not declare these disks broken: that would make unreachable units lost ones.",
            ),
            _COUNTS
            + " Most releases name no disk without a heartbeat: such disks are inferred from the health of volumes. "
            "Where the cluster answers `/cluster/dashboard`, the disks that it names are used.",
        ),
    }
)
"""Runbooks of the rules about volumes."""
