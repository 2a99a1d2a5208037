"""Alerts that are kept between polls: their sentence, their state, and nothing that takes much memory."""

from dataclasses import replace

from bot.alerting.details import DiskName, DisksBroken
from bot.alerting.model import Alert, AlertState, EngineNotes, LegacyDetail, Muted, Severity
from bot.views.alert_text.table import sentence_of
from bot.views.status_text import alert_headline
from bot.watch.kept_alerts import kept_alerts

DISKS = tuple(DiskName(number, 2, "http://10.0.0.1:8889", f"/disk{number}", "z0") for number in range(20))
BROKEN = Alert(
    cluster="prod",
    rule="disk_broken",
    subject="",
    state=AlertState.FIRING,
    severity=Severity.WARNING,
    detail=DisksBroken(20, 0, DISKS),
    since=1.0,
    weight=20,
    parts=tuple(str(disk.id) for disk in DISKS),
    notes=EngineNotes(muted=Muted(3, "U1")),
    id=17,
    version=4,
)


def test_status_reads_the_same_of_a_kept_alert() -> None:
    [kept] = kept_alerts([BROKEN], ())
    assert kept.detail == LegacyDetail(sentence_of(BROKEN))
    assert kept.parts is None
    assert alert_headline("prod", kept) == alert_headline("prod", BROKEN)
    same = ("state", "severity", "notes", "clear_since", "rule", "subject", "weight", "id")
    assert [getattr(kept, name) for name in same] == [getattr(BROKEN, name) for name in same]


def test_sentence_is_made_again_once_the_alert_has_changed() -> None:
    before = kept_alerts([BROKEN], ())
    [same] = kept_alerts([replace(BROKEN, notes=EngineNotes())], before)
    assert same.detail is before[0].detail
    for changed in (
        replace(BROKEN, version=5, detail=DisksBroken(19, 1, DISKS)),
        replace(BROKEN, state=AlertState.ACKNOWLEDGED, detail=DisksBroken(18, 2, DISKS)),
        replace(BROKEN, id=0, detail=DisksBroken(17, 3, DISKS)),
    ):
        [kept] = kept_alerts([changed], before)
        assert kept.detail == LegacyDetail(sentence_of(changed))
