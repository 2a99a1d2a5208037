"""/cm risk and the alerts about volumes: the sentence names the worst level, and numbers agree with their verbs."""

from dataclasses import replace

import pytest

from bot.alerting.details import VolumeLoss, VolumesAtRisk
from bot.alerting.risk_facts import RiskCaveats, Since
from bot.alerting.volume_risk import VolumeRisk
from bot.clustermgr.code_modes import CODE_MODES, CodeMode
from bot.clustermgr.volume_survey import StaleReads, SuspectDisks, VolumeSurvey
from bot.interactions.message import Message
from bot.views.alert_text.caveats import caveat_lines
from bot.views.alert_text.volumes import volumes_at_risk
from bot.views.risk import RiskReport, risk
from tests.support.view_samples import AT, assert_postable, seen

EC3P3: CodeMode = CODE_MODES[11]
COMPLETE = VolumeSurvey(SuspectDisks(), {}, {}, read_at=AT)


def volume(lost: int, *, unreachable: int = 0, mode: CodeMode | None = EC3P3) -> VolumeRisk:
    """A volume with units on the disks 1, 2, 3 …: first the lost ones."""
    disks = tuple(range(1, lost + unreachable + 1))
    return VolumeRisk(7, mode.id if mode else 77, mode, disks[:lost], disks[lost:])


def shown(*risks: VolumeRisk, survey: VolumeSurvey = COMPLETE, unnamed: int = 0) -> Message:
    caveats = RiskCaveats(
        pending_disks=len(survey.pending_disks), pending_volumes=survey.pending_volumes, unnamed=unnamed
    )
    found = risk(RiskReport("prod", risks, survey, AT, caveats=caveats))
    assert_postable(found)
    return found


@pytest.mark.parametrize(
    ("risks", "mark", "sentence"),
    [
        ([volume(4)], "🔴", "Data of 1 volume of prod is lost."),
        ([volume(4), volume(4), volume(3)], "🔴", "Data of 2 volumes of prod is lost."),
        ([volume(3)], "🔴", "1 volume of prod loses data if one more unit is lost."),
        ([volume(3), volume(3), volume(1)], "🔴", "2 volumes of prod lose data if one more unit is lost."),
        (
            [volume(1, mode=None), volume(2)],
            "🔴",
            "1 volume of prod has lost units; how many more can be lost is not known.",
        ),
        (
            [volume(1, mode=None), volume(1, mode=None)],
            "🔴",
            "2 volumes of prod have lost units; how many more can be lost is not known.",
        ),
        (
            [volume(2), volume(1, unreachable=3), volume(0, unreachable=4)],
            "🔴",
            "2 volumes of prod cannot be read now: too many units are lost or unreachable.",
        ),
        (
            [volume(3), volume(0, unreachable=4)],
            "🔴",
            "1 volume of prod loses data if one more unit is lost. 1 volume cannot be read now.",
        ),
        ([volume(2), volume(1)], "🟡", "1 volume of prod can lose 1 more unit."),
        ([volume(2), volume(2)], "🟡", "2 volumes of prod can lose 1 more unit each."),
        ([volume(1)], "🟡", "1 volume of prod has lost units and can still lose 2 or more."),
        ([volume(1), volume(1)], "🟡", "2 volumes of prod have lost units and can still lose 2 or more."),
        ([volume(0, unreachable=2)], "🟡", "1 volume of prod has unreachable units; no unit is known to be lost."),
        (
            [volume(0, unreachable=1)] * 2,
            "🟡",
            "2 volumes of prod have unreachable units; no unit is known to be lost.",
        ),
        ([], "🟢", "No volume of prod has lost units."),
    ],
)
def test_sentence_names_the_worst_level_and_its_number(risks: list[VolumeRisk], mark: str, sentence: str) -> None:
    message = shown(*risks)
    assert message.text.startswith(sentence)
    assert f"{mark} *{sentence}*" in seen(message)


def test_volumes_that_cannot_be_read_come_before_many_that_can() -> None:
    many = [replace(volume(1), vid=vid) for vid in range(100, 130)]
    unreadable = [replace(volume(0, unreachable=4), vid=vid) for vid in (900, 901)]
    near = replace(volume(3, unreachable=1), vid=950)
    text = seen(shown(*many, *unreadable, near))
    assert text.index("#950") < text.index("#900") < text.index("#901") < text.index("#100")
    assert "0, cannot be read now" in text
    assert "Not shown: 13 volumes can still lose 2 or more units." in text


@pytest.mark.parametrize("caveats", [RiskCaveats(unnamed=4), RiskCaveats(heartbeats=False), RiskCaveats(listed=False)])
def test_volumes_that_are_not_all_judged_get_no_green_mark(caveats: RiskCaveats) -> None:
    survey = VolumeSurvey(SuspectDisks(), {}, {}, read_at=AT)
    text = seen(risk(RiskReport("prod", (), survey, AT, caveats=caveats)))
    assert "⚪ *No volume of prod is known to have lost units.*" in text


def test_volume_that_cannot_be_read_now_has_no_number_of_units_to_lose() -> None:
    text = seen(shown(VolumeRisk(5, 11, CODE_MODES[11], unreachable=(1, 2), unnamed=2)))
    assert "cannot be read now" in text


def test_row_of_an_unknown_mode_and_of_lost_data() -> None:
    text = seen(shown(volume(4), volume(1, mode=None)))
    assert "data is lost" in text
    assert "unknown (77)" in text


def test_disks_of_one_volume_are_listed_up_to_a_limit() -> None:
    text = seen(shown(VolumeRisk(7, 77, None, tuple(range(1, 15)))))
    assert "#12 and 2 more" in text
    assert "#13" not in text


@pytest.mark.parametrize(
    ("unnamed", "note"),
    [
        (0, None),
        (1, "1 disk has lost the heartbeat and cannot be named"),
        (3, "3 disks have lost the heartbeat and cannot be named"),
    ],
)
def test_disks_without_heartbeat_that_no_volume_names_are_counted(unnamed: int, note: str | None) -> None:
    text = seen(shown(volume(0, unreachable=2), unnamed=unnamed))
    assert "Inferred from the health of volumes: no heartbeat of disks #1 and #2." in text
    assert (note in text) if note else "cannot be named" not in text


@pytest.mark.parametrize(
    ("disks", "volumes", "pending"),
    [
        ((1, 2), 0, "Not judged yet: 2 disks. Ask again"),
        ((), 3, "Not judged yet: 3 volumes. Ask again"),
        ((1,), None, "Not judged yet: 1 disk and some volumes. Ask again"),
    ],
)
def test_pending_reads_are_named(disks: tuple[int, ...], volumes: int | None, pending: str) -> None:
    survey = VolumeSurvey(SuspectDisks(), {}, {}, pending_disks=disks, pending_volumes=volumes, read_at=AT)
    text = seen(shown(survey=survey))
    assert pending in text
    assert "Ask again in a minute." in text


@pytest.mark.parametrize(
    ("one_left", "none_left", "unknown", "sentence"),
    [
        (0, 1, 0, "1 volume of prod loses data if one more unit is lost."),
        (3, 2, 0, "2 volumes of prod lose data if one more unit is lost; 3 more can lose 1 more unit."),
        (0, 0, 1, "1 volume of prod has lost units and an unknown code mode."),
        (0, 0, 2, "2 volumes of prod have lost units and an unknown code mode."),
        (1, 0, 0, "1 volume of prod can lose 1 more unit."),
        (2, 0, 0, "2 volumes of prod can lose 1 more unit each."),
    ],
)
def test_alert_sentence_agrees_with_its_numbers(one_left: int, none_left: int, unknown: int, sentence: str) -> None:
    first = VolumeLoss(12, "EC3P3", 11, (1, 5), (), 1)
    text = volumes_at_risk(VolumesAtRisk(one_left, none_left, (first,), unknown=unknown), "prod")
    assert text.sentence == sentence
    assert text.more == one_left + none_left + unknown - 1


@pytest.mark.parametrize(
    ("mode", "left", "end"),
    [
        ("", None, "(unknown code mode 77): 1 unit lost (disk #1); it is not known how many more it can lose"),
        ("EC3P3", -1, "(EC3P3): 1 unit lost (disk #1); data is lost"),
        ("EC3P3", 0, "(EC3P3): 1 unit lost (disk #1); it can lose no more"),
        ("EC3P3", 2, "(EC3P3): 1 unit lost (disk #1); it can lose 2 more units"),
    ],
)
def test_line_of_a_volume_says_how_many_more_it_can_lose(mode: str, left: int | None, end: str) -> None:
    loss = VolumeLoss(12, mode, 77, (1,), (), left)
    assert volumes_at_risk(VolumesAtRisk(1, 0, (loss,)), "prod").lines == (f"volume #12 {end}",)


def test_old_reads_are_dated_and_never_green() -> None:
    stale = StaleReads((7,), 2, AT - 7200)
    survey = VolumeSurvey(SuspectDisks(), {}, {}, read_at=AT, stale=stale, as_of=AT - 7200, gone_as_of=AT - 80_000)
    caveats = RiskCaveats(stale_disks=1, stale_volumes=2, stale_since=AT - 7200)
    found = risk(RiskReport("prod", (), survey, AT, caveats=caveats))
    text = seen(found)
    assert "⚪" in text
    assert "Not current: 1 disk and 2 volumes could not be read again since 2023-11-14" in text
    assert f"As of <!date^{AT - 7200:.0f}^" in text
    assert f"repaired or dropped long ago as of <!date^{AT - 80_000:.0f}^" in text


@pytest.mark.parametrize(
    ("caveats", "words"),
    [
        (RiskCaveats(listed=False), "the whole disk list was not read lately"),
        (RiskCaveats(listed=False, missing=2), "the disk list lacks 2 disks that it had before"),
        (RiskCaveats(held=1), "1 disk holds units by the last count, but it is not listed"),
        (RiskCaveats(stale_volumes=None, stale_since=AT), "not current: some volumes could not be read again since"),
        (RiskCaveats(stale_volumes=1, stale_since=AT), "it may have changed"),
    ],
)
def test_statement_that_is_not_sure_says_why(caveats: RiskCaveats, words: str) -> None:
    assert not caveats.complete
    assert words in "; ".join(caveat_lines(caveats))


@pytest.mark.parametrize(("lost_at", "newer"), [(AT - 300, False), (AT - 60, True)])
def test_time_of_the_oldest_count_names_what_is_that_old(lost_at: float, newer: bool) -> None:
    """A disk may have broken after the oldest count: then its row has a later time than that count."""
    survey = VolumeSurvey(SuspectDisks(), {}, {}, read_at=AT, as_of=AT - 180)
    text = seen(risk(RiskReport("prod", (volume(1),), survey, AT, since={7: Since(lost_at, exact=True)})))
    assert (f"The oldest count of units: <!date^{AT - 180:.0f}^" in text) is newer
    assert ("the states of disks are newer." in text) is newer
    assert (f"As of <!date^{AT - 180:.0f}^" in text) is not newer
