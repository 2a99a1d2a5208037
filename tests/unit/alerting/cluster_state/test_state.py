"""What the watch remembers of a cluster."""

import json
import math
from dataclasses import fields, replace

import pytest
from structlog.testing import capture_logs

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.counters import with_status
from bot.alerting.cluster_state.observations import Forecast, Progress, SwitchChange, SwitchNote
from bot.alerting.cluster_state.state import ClusterState, DiskNote, LeaderChange, update, worth_writing
from bot.alerting.cluster_status import cluster_status
from bot.alerting.progress import LeftCount, work_progress
from bot.alerting.risk_facts import LostDisk, NotRebuilt, RiskCaveats, RiskNote, SafetyCounts
from bot.clustermgr.models import Service, Snapshot
from bot.clustermgr.scheduler_survey import SchedulerAnswer, SchedulerFault, SchedulerSurvey, TaskStats
from bot.clustermgr.tasks import Dialect
from bot.store.state_codec import decode_state, encode_state
from bot.views.status_text import status_sentence
from tests.support.watch_builders import dark, disk, host, polled


def after(*answers: object) -> ClusterState:
    state = ClusterState()
    for each in answers:
        state = following(state, each)  # type: ignore[arg-type]
    return state


def following(state: ClusterState, snapshot: Snapshot) -> ClusterState:
    """The state after a poll, with the status of that poll."""
    status = cluster_status(snapshot)
    return with_status(update(state, snapshot), status.level, status_sentence(status))


def test_cluster_state_survives_the_store() -> None:
    state = after(
        replace(polled(100, bad=(disk(7),)), switches={"balance": None}, dropping=(disk(9, 1),), dialect=Dialect.V3),
        replace(polled(115, leader=2, term=6), switches={"balance": "true"}),
    )
    assert state.changes
    assert state.switch_changes
    assert state.drops
    caveats = RiskCaveats(True, 3, None, False, 1, NotRebuilt.OFF, 2, SafetyCounts(1, 2, 3), SafetyCounts(0, 2, 4))  # noqa: FBT003 - a full value
    state = replace(
        state,
        forecast=Forecast(100, 900),
        lost_disks=(LostDisk(7, 90.0, seen=True, gone_since=95.0, units=2, counted_at=99.0),),
        risk=RiskNote(1, 2, 3, 4, 5, 6, caveats, 7),
        risk_at=100.0,
    )
    assert decode_state(json.loads(json.dumps(encode_state(state)))) == state


def test_state_of_another_release_is_read_where_known() -> None:
    held = {"leader": 3, "new": 1, "disks": [{"id": 7, "color": "red"}], "changes": []}
    state = decode_state(held)
    assert (state.leader, state.disks[0].id) == (3, 7)
    assert decode_state({}) == ClusterState()


@pytest.mark.parametrize("stored", [None, {}, {"lost": "many"}, {"caveats": {"not_rebuilt": "of a later release"}}, 7])
def test_risk_in_another_form_is_not_known(stored: object) -> None:
    assert decode_state({"leader": 3, "risk": stored}).risk == RiskNote()


@pytest.mark.parametrize(
    ("part", "spoiled"),
    [
        ("repairs", {"id": 7, "status": 3, "since": 1.0, "moved_at": 1.0, "total": "NaN"}),
        ("repairs", {"id": 7, "status": 3, "since": 1.0, "moved_at": 1.0, "counts": None}),
        ("repairs", {"id": 7, "status": 3, "since": 1.0, "moved_at": 1.0, "counts": [[math.inf, 1]]}),
        ("drops", [[]]),
        ("lost_disks", {"id": 7, "since": 1.0, "gone_since": math.nan}),
        ("lost_disks", {}),
        ("disks", None),
        ("changes", "x"),
        ("voters", []),
    ],
)
def test_spoiled_entry_of_a_stored_state_is_left_out_alone(part: str, spoiled: object) -> None:
    whole = encode_state(_full_state())
    expected = decode_state(whole)
    with capture_logs() as logs:
        state = decode_state({**whole, part: [spoiled, *whole[part]]})
    assert state == expected
    assert [(entry["event"], entry["parts"]) for entry in logs] == [("store.state_spoiled", [part])]


@pytest.mark.parametrize("spoiled", [None, 0, "x", [[]], {"a": None}, math.nan, [None]])
def test_spoiled_part_of_a_stored_state_leaves_the_others(spoiled: object) -> None:
    whole = encode_state(_full_state())
    for part in fields(ClusterState):
        state = decode_state({**whole, part.name: spoiled})
        others = {each.name for each in fields(ClusterState)} - {part.name}
        assert all(getattr(state, name) == getattr(_full_state(), name) for name in others), part.name
        assert decode_state(encode_state(state)) == state


def _full_state() -> ClusterState:
    """A state with an entry in each part that a spoiled one could take with it."""
    return ClusterState(
        at=100.0,
        leader=1,
        voters=(1, 2),
        disks=(DiskNote(7, 2),),
        changes=(LeaderChange(90.0, 1, 2, 3),),
        repairs=(Progress(8, 3, 1.0, 1.0, 5, 9, (LeftCount(1.0, 9),)),),
        drops=(Progress(9, 1, 1.0, 1.0),),
        switches={"disk_repair": SwitchNote("true", 5.0)},
        lost_disks=(LostDisk(8, 1.0),),
    )


def test_first_leader_is_no_change() -> None:
    assert after(polled(100)).changes == ()


def test_another_peer_is_a_change() -> None:
    state = after(polled(100), polled(115, leader=2, term=6))
    assert state.changes == (LeaderChange(115, 1, 2, 6, before_at=100),)
    assert (state.leader, state.leader_since) == (2, 115)


def test_same_leader_in_a_higher_term_is_no_change() -> None:
    state = after(polled(100), polled(115, term=9))
    assert (state.changes, state.term, state.leader_since) == ((), 9, 100)


def test_change_after_a_long_gap_names_the_gap() -> None:
    state = after(polled(100), polled(4000, leader=3, term=8))
    assert state.changes == (LeaderChange(4000, 1, 3, 8, away=3900, before_at=100),)


def test_gap_shorter_than_the_write_interval_counts_as_watched() -> None:
    assert after(polled(100), polled(195, leader=3, term=8)).changes[0].away == 0


def test_first_poll_of_a_process_follows_a_gap() -> None:
    resumed = update(after(polled(100)), polled(110, leader=3, term=8), resumed=True)
    assert resumed.changes[0].away == 10
    assert update(ClusterState(), polled(110), resumed=True).changes == ()


def test_old_leader_in_a_lower_term_is_ignored() -> None:
    state = after(polled(100, leader=2, term=6), polled(115, leader=1, term=5, silent=(2,)))
    assert (state.leader, state.changes) == (2, ())


def test_answer_from_before_a_change_does_not_undo_it() -> None:
    """A follower names the new leader; the old one answered before the change, and its answer came late."""
    both = {answer.host: answer for answer in polled(115, leader=2, term=6).answers}
    late = {answer.host: answer for answer in polled(115, leader=1, term=5).answers}
    mixed = replace(polled(115), answers=(late[host(1)], late[host(2)], both[host(3)]))
    state = after(polled(100), polled(115, leader=2, term=6), mixed, polled(130, leader=2, term=6))
    assert [(change.before, change.after) for change in state.changes] == [(1, 2)]


def test_unreadable_state_keeps_its_last_value() -> None:
    state = after(polled(100, bad=(disk(7),)), dark(115))
    assert (state.leader, [note.id for note in state.disks], state.at) == (1, [7], 115)
    assert (state.level, state.disks_at, state.leader_at) == ("unreachable", 100, 100)


@pytest.mark.parametrize(
    ("answers", "worth"),
    [
        ((polled(100), polled(115)), False),
        ((polled(100), polled(160)), True),
        ((polled(100), polled(115, term=6)), True),
        ((polled(100), polled(115, bad=(disk(1),))), True),
        ((polled(100), polled(115, silent=(3,))), True),
    ],
)
def test_state_is_written_on_change_and_each_minute(answers: tuple[object, object], worth: bool) -> None:
    old = after(answers[0])
    assert worth_writing(old, following(old, answers[1])) is worth  # type: ignore[arg-type]


def test_cluster_state_stays_small() -> None:
    state = after(
        polled(1, bad=[disk(n) for n in range(5000)]),
        *(polled(15 * n, leader=1 + n % 3, term=n) for n in range(5, 100)),
    )
    assert len(json.dumps(encode_state(state))) < 100_000
    assert len(state.changes) == 20


def stored(at: float, **switches: str | None) -> object:
    return replace(polled(at), switches=switches, dialect=Dialect.V3)


def test_switch_value_keeps_the_time_first_seen() -> None:
    state = after(stored(100, balance="true", disk_drop=None), stored(160, balance="true", disk_drop=None))
    assert state.switches == {"balance": SwitchNote("true", 100), "disk_drop": SwitchNote(None, 100)}
    assert (state.switches_at, state.dialect, state.switch_changes) == (160, "v3", ())


def test_switch_that_was_not_read_keeps_its_value() -> None:
    state = after(stored(100, balance="true", disk_drop="true"), stored(160, balance="true"), polled(220), dark(280))
    assert state.switches["disk_drop"] == SwitchNote("true", 100)
    assert state.switches_at == 160


def test_first_read_of_a_switch_is_no_change() -> None:
    state = after(stored(100, balance="true"), stored(160, balance="false", disk_drop="true"))
    assert state.switch_changes == (SwitchChange(160, "balance", "true", "false", before_at=100),)
    assert state.switches["balance"] == SwitchNote("false", 160)


def test_switch_changed_during_a_gap_names_the_gap() -> None:
    state = after(stored(100, balance="true"), stored(4000, balance="false"))
    assert state.switch_changes[0].away == 3900


def test_hostile_values_are_kept_short_and_on_one_line() -> None:
    state = after(stored(100, balance="a\n" + "b" * 5000))
    assert state.switches["balance"].value == "a " + "b" * 77 + "…"


def dropping(at: float, left: int | None) -> object:
    chunks = None if left is None else {9: left}
    return replace(polled(at), dropping=(disk(9, 1),), chunks=chunks)


def test_dropping_disk_progresses_only_when_chunks_leave() -> None:
    seen = [dropping(100, None), dropping(160, 50), dropping(220, None), polled(235), dropping(280, 50)]
    state = after(*seen)
    counts = (LeftCount(160, 50), LeftCount(280, 50))
    assert state.drops == (Progress(9, 1, since=100, moved_at=100, left=50, total=50, counts=counts),)
    assert (state.dropping[0].id, state.dropping_at) == (9, 280)
    later = after(*seen, dropping(340, 49), dropping(400, 50)).drops[0]
    assert later == Progress(9, 1, 100, moved_at=340, left=49, total=50, counts=(LeftCount(400, 50),))


def test_counts_close_together_are_not_kept() -> None:
    """Each kept count edits the alert: a minute has one, but the last unit is never waited for."""
    state = after(dropping(100, 50), dropping(140, 45), dropping(160, 40), dropping(175, 0))
    assert state.drops[0].counts == (LeftCount(100, 50), LeftCount(160, 40), LeftCount(175, 0))


def test_repair_begins_with_the_units_of_the_broken_disk() -> None:
    broken = replace(polled(100, bad=(disk(7),)), chunks={7: 40})
    repairing = replace(polled(160, bad=(disk(7, 3),)), chunks={7: 38})
    [repair] = after(broken, repairing).repairs
    assert (repair.left, repair.total, repair.counts) == (38, 40, (LeftCount(160, 38),))


def test_schedulers_are_noted_until_they_are_read_again() -> None:
    stats = {"shard_repair": TaskStats(failed=(0, 12, 1), errors=("EOF",))}
    answers = (SchedulerAnswer("10.0.0.5:9800\nx", stats), SchedulerAnswer("b", fault=SchedulerFault.TIMEOUT))
    services = (Service(name="SCHEDULER", host="http://10.0.0.5:9800"), Service(name="PROXY"))
    read = replace(polled(100), services=services, schedulers=SchedulerSurvey(100, answers))
    note = after(read, polled(115)).background
    assert (note.registered_now(160), note.registered_now(800)) == (1, None)
    assert note.asked_now(160) == (SchedulerNote("10.0.0.5:9800 x"), SchedulerNote("b", "timeout", silent=True))
    assert note.task("shard_repair", 160) == TaskNote("shard_repair", 12, ("EOF",))
    assert (note.task("disk_repair", 160), note.task("shard_repair", 800)) == (None, None)


def test_progress_and_schedulers_survive_the_store() -> None:
    survey = SchedulerSurvey(160, (SchedulerAnswer("a", {"blob_delete": TaskStats(failed=(4, 4), errors=("EOF",))}),))
    later = dropping(160, 40)
    assert isinstance(later, Snapshot)
    state = after(dropping(100, 50), replace(later, schedulers=survey, services=()))
    assert state.background.tasks
    assert decode_state(json.loads(json.dumps(encode_state(state)))) == state


def test_row_of_an_earlier_release_has_no_counts() -> None:
    stored = encode_state(after(dropping(100, 50)))
    del stored["background"]
    drops = [{key: value for key, value in drop.items() if key not in {"counts", "total"}} for drop in stored["drops"]]
    state = decode_state({**stored, "drops": drops})
    assert state.background == BackgroundNote()
    assert state.drops == (Progress(9, 1, 100, 100, 50),)
    assert work_progress(state.drops[0].counts, state.drops[0].total) is None


def test_disk_progress_restarts_with_each_state_and_ends() -> None:
    seen = (polled(100, bad=(disk(7), disk(8))), polled(115, bad=None), polled(130, bad=(disk(7, 3),)))
    assert after(*seen).repairs == (Progress(7, 3, since=130, moved_at=130),)


def test_leader_tenure_restarts_with_each_term() -> None:
    state = after(polled(100), polled(115), polled(130, term=9))
    assert (state.leader_since, state.term_since) == (100, 130)
    assert after(polled(100), polled(115)).term_since == 100
