"""Runbooks about disks that break, expire or are stuck."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.runbooks.runbook import Runbook

DISKS: Mapping[str, Runbook] = MappingProxyType(
    {
        "disk_broken": Runbook(
            "While a disk is broken or being repaired its data has less redundancy. Repair runs by itself as long as "
            "the background task `disk_repair` is on; data is at risk only when more disks of the same stripes fail "
            "before it is done.",
            (
                "`/cm tasks`: is `disk_repair` on?",
                "`/cm disks status=broken` and `status=repairing` show them all; repairing must follow broken.",
                "Many disks of one host at once: look at the host first, not at the disks.",
                "Replace the hardware after the disk is repaired, not before.",
            ),
            "The disks come from `/disk/list`, which is immediate. When it cannot be asked, the leader's counters in "
            "`/stat`, which lag by minutes, can raise the alert or make it grow (without names), never resolve it. A "
            "disk leaves the alert once it is repaired or dropped.",
        ),
    }
)
