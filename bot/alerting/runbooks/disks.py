"""Runbooks about disks that break, expire or are stuck."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import COUNTED, Runbook

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
                "Replace the hardware when `/cm disk <id>` counts no unit left on it: no state proves that.",
            ),
            "The disks come from `/disk/list`, which is immediate. When it cannot be asked, the leader's counters in "
            "`/stat`, which lag by minutes, can raise the alert or make it grow (without names), never resolve it. A "
            "disk leaves the alert once it is repaired or dropped.",
        ),
        "disk_expired": Runbook(
            "The blobnode of these disks does not report: its process is down, or cut off from Clustermgr. Nothing is "
            "written to them, reads of their data are slower, and nothing is repaired, because Clustermgr takes them "
            "for normal until they are marked broken.",
            (
                "`/cm stat` shows the zones. One zone only: look at its network and power first.",
                "Find the blobnodes of that zone that do not run, and start them: the disks come back by themselves.",
                "If a host is gone for good, have its disks marked as broken, so that their data is rebuilt elsewhere.",
                "Every writable disk of a zone at once is critical: nothing that needs that zone can be written.",
            ),
            "No call of Clustermgr names these disks, only their number in each zone. " + COUNTED + " So "
            "a blobnode that is restarted may be counted once: `hold` is a little longer than one count.",
        ),
        "repair_stuck": Runbook(
            "The data of these disks has less redundancy, and it stays so: every further disk that breaks in the "
            "meantime brings the loss of data nearer.",
            (
                "`/cm tasks`: `disk_repair` must be on, and the service that runs it (the scheduler) must run.",
                "Read the scheduler's log: it says which chunk it tries again and again, and why that fails.",
                "Too little space or too few healthy hosts in a zone leave no place to rebuild to: `/cm stat`.",
                "Several disks that share stripes broken at once may make chunks unreadable: stop and count first.",
            ),
            "Progress is the number of chunks that volumes still have on the disk (`/volume/unit/list`), counted every "
            "few minutes. Broken disks are repaired some at a time: one that waits counts only while no other moves "
            "on. While `disk_repair` is off, `task_off_with_work` tells.",
        ),
        "drop_stuck": Runbook(
            "A disk that is being dropped is read-only and still holds data: it must not be taken out yet, and its "
            "space is lost to the cluster meanwhile.",
            (
                "`/cm tasks`: `disk_drop` must be on, and the scheduler must run; its log says what it waits for.",
                "There must be room for the chunks in the same zone: `/cm stat`.",
                "A drop cannot be taken back. If the disk fails now, have it marked as broken instead.",
            ),
            "While `disk_drop` is off, `task_off_with_work` tells.",
        ),
    }
)
