"""Runbooks about space, chunks and volumes that run low."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import COUNTED, Runbook

SPACE: Mapping[str, Runbook] = MappingProxyType(
    {
        "writable_low": Runbook(
            "When nothing is writable any more, every write of a client fails, and repairs find no room either.",
            (
                "`/cm alerts`: are disks or hosts missing? Their space does not count as writable.",
                "Is `blob_delete` on? While it is off nothing that is deleted gives its space back: `/cm tasks`.",
                "Add disks, to all zones alike: what is writable is as much as the fullest zone allows.",
                "Disks that are read-only for no reason any more can be made writable again.",
            ),
            "Writable space counts data without its parity, so that an empty cluster may show half of its whole space. "
            "The forecast is the median slope of the measurements of the last 14 days, where there are enough of them; "
            "disks that came or went do not count as growth. " + COUNTED,
        ),
        "chunks_low": Runbook(
            "Volumes are made of chunks in every zone: when one zone has none left, no volume can be created anywhere.",
            (
                "`/cm stat` shows the zones. Add disks to this one.",
                "`/cm tasks`: `balance` evens out disks within a zone, not zones.",
                (
                    "Only chunks on normal, writable disks count: repair or replace broken disks, and make disks "
                    "writable that are read-only for no reason any more."
                ),
            ),
            COUNTED,
        ),
        "no_volume": Runbook(
            "Who writes needs a volume. A new cluster gets its first ones within minutes of its disks; without any for "
            "an hour nothing can be stored.",
            (
                "`/cm stat` shows the zones: a code mode needs enough of them, with enough disks each.",
                "Read the leader's log for why volumes cannot be created.",
                "A cluster that is meant to stay empty: `no_volume: {enabled: false}` for it.",
            ),
            COUNTED,
        ),
        "volumes_low": Runbook(
            "Every write needs a volume. Clustermgr creates new ones by itself while there is room; few "
            "that can be allocated mean that it cannot, or that many are unhealthy as their disks do not answer.",
            (
                "`/cm alerts`: broken or silent disks and full zones are the usual cause; fix those first.",
                "Read the leader's log for why volumes cannot be created.",
                "Volumes that are locked are not allocated: a balance or a repair that hangs may hold them.",
            ),
            "A cluster without any volume has the alert `no_volume`. `least` should stay below the servers' own "
            "`min_allocable_volume_count`.",
        ),
    }
)
