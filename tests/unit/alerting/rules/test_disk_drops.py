"""The rule about drops of disks that no operation began: from the first list to the count of the units."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.alerting.cluster_state.disk_drops import KEPT_SECONDS, MAX_DISKS, MAX_DROPS, DiskDrop, disk_drops
from bot.alerting.cluster_state.state import ClusterState, explained, new_changes, update
from bot.alerting.model import Alert, AlertState, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, RuleContext
from bot.alerting.rules.disk_drops import COUNT_SECONDS, DISK_DROPPING
from bot.clustermgr.models import Snapshot
from bot.clustermgr.volume_survey import SuspectDisks, UnitCount, VolumeSurvey
from tests.support.alert_words import lines, outcome, sentence
from tests.support.watch_builders import dark, disk, polled

AT = 1_000_000.0


def look(
    ago: float,
    dropping: Sequence[int] | None,
    *,
    gone: Sequence[int] = (),
    units: dict[int, int] | None = None,
    listed: bool = True,
) -> Snapshot:
    """A poll `ago` seconds before AT: the disks that are being dropped or gone, and the units counted on them."""
    at = AT - ago
    counts = {each: UnitCount(number, at) for each, number in (units or {}).items()}
    suspects = SuspectDisks(dropping=frozenset(dropping or ()), gone=frozenset(gone), listed=listed)
    survey = VolumeSurvey(suspects, {}, counts, read_at=at)
    disks = None if dropping is None else tuple(disk(each, 1) for each in dropping)
    return replace(polled(at), dropping=disks, chunks=units or {}, volumes=survey)


def context(*polls: Snapshot, by_op: Sequence[int] = ()) -> RuleContext:
    """The context after these polls; operation #12 began the drops of the disks `by_op`."""
    state = ClusterState()
    for snapshot in polls:
        new = update(state, snapshot)
        changes = [change for change in new_changes(state, new) if isinstance(change, DiskDrop)]
        state = explained(new, {change: (12, "") for change in changes if change.disk in by_op})
    return RuleContext(polls[-1], state, AT)


def found(view: RuleContext) -> Finding:
    answer = DISK_DROPPING.answer(view)
    assert isinstance(answer, tuple)
    [finding] = answer
    return finding


def end_text(view: RuleContext, *disks: int) -> str:
    """What the end of the alert about these disks says."""
    assert DISK_DROPPING.answer(view) == ()
    before = context(look(240, ()), look(180, disks))
    finding = found(replace(before, now=before.snapshot.at))
    parts, detail = finding.parts, finding.detail
    alert = Alert("prod", finding.rule, "", AlertState.FIRING, Severity.WARNING, detail, AT, parts=parts)
    return outcome(DISK_DROPPING.resolved(view, alert), alert)


def test_drop_that_no_operation_began_is_announced_with_its_progress() -> None:
    finding = found(context(look(120, ()), look(60, [7], units={7: 42}), look(0, [7], units={7: 40})))
    assert finding.severity is Severity.WARNING
    assert finding.parts == ("7",)
    assert sentence(finding) == "The drop of 1 disk of prod was begun past cmbot: no operation did it."
    [line] = [line for line in lines(finding) if line.startswith("disk #7")]
    assert "being dropped" in line
    assert "40 of 42 units left" in line


@pytest.mark.parametrize("polls", [(look(0, [7]),), (look(60, [7]), look(0, [7])), (look(60, ()), look(0, ()))])
def test_disk_that_did_not_begin_to_drop_is_not_announced(polls: tuple[Snapshot, ...]) -> None:
    assert DISK_DROPPING.answer(context(*polls)) == ()


def test_drop_of_an_operation_is_named_only_beside_others() -> None:
    assert DISK_DROPPING.answer(context(look(60, ()), look(0, [8]), by_op=[8])) == ()
    finding = found(context(look(60, ()), look(0, [7, 8]), by_op=[8]))
    assert finding.parts == ("7",)
    own = [line for line in lines(finding) if "begun by operation #12" in line]
    assert [line.split()[1] for line in own] == ["#8"]


@pytest.mark.parametrize(
    ("last", "text"),
    [
        (look(0, (), gone=[7], units={7: 0}), "dropped; safe to pull: no unit left, as of 1970-01-12 13:46 UTC"),
        (look(0, (), gone=[7], units={7: 1}), "dropped, but do not pull it: 1 unit is still on it"),
        (look(0, (), gone=[7], units={7: 3}), "dropped, but do not pull it: 3 units are still on it"),
        (look(0, ()), "no longer being dropped, and not listed as dropped: do not pull it"),
    ],
    ids=["empty", "one unit", "units", "in use"],
)
def test_end_of_a_drop_says_if_the_disk_may_be_pulled(last: Snapshot, text: str) -> None:
    said = end_text(context(look(120, ()), look(90, [7]), look(60, ()), last), 7)
    assert f"disk #7: {text}" in said


@pytest.mark.parametrize(
    "last",
    [look(0, (), gone=[7]), look(0, (), listed=False), replace(look(0, ()), volumes=None)],
    ids=["not counted", "disk list not read", "no volumes read"],
)
def test_disk_that_is_not_counted_keeps_the_alert_and_is_never_safe(last: Snapshot) -> None:
    view = context(look(120, ()), look(90, [7]), look(60, ()), last)
    [line] = [line for line in lines(found(view)) if line.startswith("disk #7")]
    assert line == "disk #7: no longer being dropped; its units are not counted: do not pull it"
    late = replace(view, now=AT + COUNT_SECONDS, snapshot=replace(last, at=AT + COUNT_SECONDS))
    late = replace(late, state=replace(late.state, dropping_at=late.now))
    assert "its units are not counted: do not pull it" in end_text(late, 7)


def test_count_before_the_end_of_a_drop_proves_nothing() -> None:
    last = look(0, (), gone=[7], units={7: 0})
    assert last.volumes is not None
    old = replace(last.volumes, units={7: UnitCount(0, AT - 30)})
    finding = found(context(look(120, ()), look(60, [7]), replace(last, volumes=old)))
    assert "its units are not counted" in lines(finding)[-1]


def test_ended_drop_is_shown_until_the_others_have_ended() -> None:
    finding = found(context(look(120, ()), look(60, [7, 9]), look(0, [9], gone=[7], units={7: 0})))
    assert [line.split(":")[1].split(";")[0].strip() for line in lines(finding) if "#7" in line] == ["dropped"]
    assert finding.parts == ("7", "9")


def test_one_list_without_a_disk_is_no_end_of_its_drop() -> None:
    begun = (look(240, ()), look(180, [7]), look(120, ()))
    [line] = [line for line in lines(found(context(*begun))) if line.startswith("disk #7")]
    assert line == "disk #7: missing from the last list of drops, the next one decides: do not pull it"
    finding = found(context(*begun, look(60, [7])))
    assert finding.parts == ("7",)
    assert finding == found(context(*begun[:2], look(60, [7])))


def test_drop_of_an_operation_stays_its_own_after_a_list_without_the_disk() -> None:
    view = context(look(3_900, ()), look(3_600, [7]), look(60, ()), look(0, [7]), by_op=[7])
    assert view.state.disk_drops == (DiskDrop(AT - 3_600, 7, AT - 3_900, op=12),)
    assert DISK_DROPPING.answer(view) == ()


def test_disk_of_the_first_list_has_no_drop_after_a_list_without_it() -> None:
    assert DISK_DROPPING.answer(context(look(120, [7]), look(60, ()), look(0, [7]))) == ()


def test_drop_that_a_cut_list_may_have_hidden_is_not_announced() -> None:
    many = range(1, MAX_DISKS + 51)
    assert DISK_DROPPING.answer(context(look(60, many), look(0, many))) == ()
    assert DISK_DROPPING.answer(context(look(120, many), look(60, ()), look(0, many))) == ()
    assert found(context(look(60, many[1:]), look(0, many))).parts == ("1",)
    begun = context(look(120, many[:MAX_DISKS]), look(90, many[1:]), look(60, many[:-1]), look(0, many[:-1]))
    assert not any(drop.ended_at for drop in begun.state.disk_drops)


@pytest.mark.parametrize("last", [dark(AT), look(-700, None)], ids=["silent", "not read lately"])
def test_unread_list_of_drops_keeps_the_alert_as_it_is(last: Snapshot) -> None:
    view = context(look(60, ()), look(0, [7]), last)
    assert DISK_DROPPING.answer(replace(view, now=last.at)) is CANNOT_TELL


def test_end_of_a_drop_is_no_new_change() -> None:
    before = context(look(120, ()), look(60, [7])).state
    assert new_changes(before, update(before, look(0, (), gone=[7]))) == ()


def test_notes_of_drops_are_bounded_and_forgotten() -> None:
    many = disk_drops((), (), range(1, 1_000), at=AT, before_at=AT - 60)
    assert len(many) == MAX_DROPS
    ended = disk_drops(many[:1], (), (), at=AT + 60, before_at=AT)
    assert disk_drops(many[:1], [many[0].disk], (), at=AT + 60, before_at=AT) == many[:1]
    assert ended == (replace(many[0], ended_at=AT + 60),)
    assert disk_drops(ended, (), (), at=AT + 60 + KEPT_SECONDS, before_at=AT) == ()
    again = disk_drops(ended, (), [many[0].disk], at=AT + 120, before_at=AT + 60)
    assert again == (DiskDrop(AT + 120, many[0].disk, AT + 60),)
