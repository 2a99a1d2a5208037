"""Runbooks about space, chunks and volumes that run low."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import COUNTED, Runbook

SPACE: Mapping[str, Runbook] = MappingProxyType(
    {
        "writable_low": Runbook(
            "When no space is writable, every write of a client fails, and repairs find no room either.",
            (
                "`/cm alerts`: are disks or hosts missing? Their space does not count as writable.",
                "Is `blob_delete` on? While it is off, deleted data keeps its space: `/cm tasks`.",
                "Add disks to all zones alike: the fullest zone limits the writable space.",
                "Make disks writable again that no longer need to be read-only.",
            ),
            "Writable space counts data without its parity, so an empty cluster may show half of its total space. "
            "The forecast is the median slope of the measurements of the last 14 days, if there are enough of them; "
            "added or removed disks do not count as growth. " + COUNTED,
        ),
        "chunks_low": Runbook(
            "A volume needs chunks in every zone: when one zone has none left, no volume can be created anywhere.",
            (
                "`/cm stat` and *Details* show the zones. Add disks to this one.",
                "`/cm tasks`: `balance` moves data between disks of one zone, not between zones.",
                (
                    "Only chunks on normal, writable disks count. Repair or replace broken disks, and make disks "
                    "writable again that no longer need to be read-only."
                ),
            ),
            COUNTED,
        ),
        "no_volume": Runbook(
            "Clients need a volume to write to. A new cluster creates its first volumes within minutes after its disks "
            "are registered. This cluster has had none for an hour, so it can store nothing.",
            (
                "`/cm stat` and *Details* show the zones: a code mode needs enough zones, each with enough disks.",
                "The leader's log says why volumes cannot be created.",
                "If a cluster must stay empty, set `no_volume: {enabled: false}` for it.",
            ),
            COUNTED,
        ),
        "volumes_low": Runbook(
            "Clients need an allocatable volume to write to. Clustermgr creates volumes by itself while there is room. "
            "If few can be allocated, it cannot create more, or many are unhealthy because their disks do not answer.",
            (
                "`/cm alerts`: broken or silent disks and full zones are the usual cause; fix those first.",
                "The leader's log says why volumes cannot be created.",
                "Locked volumes are not allocated: a balance or a repair that hangs may hold them.",
            ),
            "A cluster without any volume has the alert `no_volume`. Keep `least` below the servers' "
            "`min_allocable_volume_count`.",
        ),
    }
)
