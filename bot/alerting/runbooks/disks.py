"""Runbooks about disks that break, expire or are stuck."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import COUNTED, Runbook

DISKS: Mapping[str, Runbook] = MappingProxyType(
    {
        "disk_broken": Runbook(
            "While a disk is broken or being repaired, its data has reduced redundancy. Repair runs by itself while "
            "the background task `disk_repair` is on. Data is at risk only if more disks of the same stripes fail "
            "before the repair is done.",
            (
                "`/cm tasks`: is `disk_repair` on?",
                "`/cm disks status=broken` and `status=repairing` show them all; repairing must follow broken.",
                "Many disks of one host at once: look at the host first, not at the disks.",
                "Replace the hardware when `/cm disk <id>` counts no unit left on it: no state proves that.",
            ),
            "The disks come from `/disk/list`, which is immediate. If that list cannot be read, the leader's counters "
            "in `/stat` are used, which lag by minutes. These counters can raise the alert or make it worse (without "
            "names), but never resolve it. A disk leaves the alert once it is repaired or dropped.",
        ),
        "disk_expired": Runbook(
            "The blobnode of these disks does not report: its process is down, or it cannot reach Clustermgr. No data "
            "is written to them and reads of their data are slower. Nothing is repaired, because Clustermgr treats "
            "them as normal until they are marked as broken.",
            (
                "`/cm stat` and *Details* show the zones. One zone only: look at its network and power first.",
                "Find the blobnodes of that zone that do not run, and start them: the disks come back by themselves.",
                (
                    "If a host is gone for good, mark its disks as broken (`/cm disk broken`), so that their data is "
                    "rebuilt elsewhere."
                ),
                "If all writable disks of a zone expired, the alert is critical: writes that need the zone fail.",
            ),
            "Clustermgr reports only how many disks of which zone expired, not which ones. "
            + COUNTED
            + " So a restarted blobnode may be counted once: `hold` is a little longer than one count.",
        ),
        "repair_stuck": Runbook(
            "The data of these disks has reduced redundancy until the repair goes on. Each further broken disk brings "
            "data loss nearer.",
            (
                "`/cm tasks`: `disk_repair` must be on, and the service that runs it (the scheduler) must run.",
                "Read the scheduler's log: it names the chunk that fails again and again, and the cause.",
                "Too little space or too few healthy hosts in a zone leave no place to rebuild to: `/cm balance`.",
                "If several broken disks share stripes, chunks may be unreadable: count them before you go on.",
            ),
            "Progress is the number of chunks that volumes still have on the disk (`/volume/unit/list`), counted every "
            "few minutes. The scheduler repairs a few disks at a time: a waiting disk counts as stuck only if no "
            "other disk makes progress. While `disk_repair` is off, `task_off_with_work` fires instead.",
        ),
        "disk_dropping": Runbook(
            "Another tool, or a person by hand, began to drop disks past cmbot. cmbot made no check: the zone may "
            "lack room, or too many disks may be out of service at once. While units move, no volume loses any.",
            (
                "Find out who did it and why. The drop cannot be cancelled (only v1 takes it back).",
                "`/cm repairs` shows the units left; `/cm balance` shows the room in the zone.",
                "Do not pull a disk before this alert, or `/cm disk <id>`, says that it is safe to pull.",
                "Use `/cm disk offline` instead: it checks first, and keeps the limits of hosts and zones.",
            ),
            "`/disk/droppinglist` is read once a minute. A drop belongs to an operation of cmbot if that sent it about "
            "then; the drops of operations are named beside the others, but have no alert of their own. A drop has "
            "ended when its disk is listed as dropped, or when two lists in a row lack it; then its units are counted, "
            "for half an hour at the most. Disks that were being dropped when cmbot first saw the cluster have no "
            "alert.",
        ),
        "drop_stuck": Runbook(
            "A disk that is being dropped is read-only and still holds data. It cannot be taken out yet, and the "
            "cluster cannot use its space.",
            (
                "`/cm tasks`: `disk_drop` must be on, and the scheduler must run; its log says what it waits for.",
                "There must be room for the chunks in the same zone: `/cm balance`.",
                "A drop cannot be undone. If the disk fails now, mark it as broken instead.",
            ),
            "While `disk_drop` is off, `task_off_with_work` fires instead.",
        ),
    }
)
