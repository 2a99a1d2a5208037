"""Wire models: every release's spelling, hostile values, and who is the leader of what the hosts said."""

import json
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.clustermgr.models import Disk, DiskInfo, DiskPage, HostAnswer, RaftStatus, Snapshot, Stat
from bot.clustermgr.wire import MAX_OTHER_TEXT, MAX_OTHERS
from bot.common.errors import ClusterTimeout

RECORDED = Path(__file__).parents[2] / "contract" / "recorded"
RELEASES = ("v1-2022-03", "v3.5.3", "master-2025-12")


def recorded_stat(release: str, name: str) -> str:
    exchanges = json.loads((RECORDED / release / f"{name}.json").read_text(encoding="utf-8"))
    return str(exchanges[0]["response"]["body"])


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_comes_to_one_shape(release: str) -> None:
    """The leader's answer of each release: the same fields are filled in every spelling."""
    stat = Stat.model_validate_json(recorded_stat(release, "stat_leader"))
    assert stat.claims_leadership
    assert stat.raft_status.raft_state == "StateLeader"
    assert stat.raft_status.raft_applied > 0
    assert len(stat.raft_status.peers) == 3
    assert not any(peer.is_learner for peer in stat.raft_status.peers)
    assert (stat.read_only is None) == (release == "v1-2022-03")


@pytest.mark.parametrize("release", ["v1-2022-03", "master-2025-12"])
def test_a_follower_sends_no_peers(release: str) -> None:
    """`peers: null` is an empty list, and a follower claims nothing."""
    stat = Stat.model_validate_json(recorded_stat(release, "stat_follower"))
    assert stat.raft_status.peers == ()
    assert not stat.claims_leadership


def test_both_spellings_mean_the_same() -> None:
    """The manual's camelCase and the newest release's snake_case."""
    camel = (
        '{"nodeId": 7, "raftState": "x", "raftApplied": 5, "applyingLength": 2, '
        '"peers": [{"id": 1, "isLearner": true, "pendingSnapshot": 9, "isInflightFull": true, "inflightCount": 3}]}'
    )
    snake = (
        '{"node_id": 7, "raft_state": "x", "raft_applied": 5, "applying_length": 2, '
        '"peers": [{"id": 1, "is_learner": true, "pending_snapshot": 9, "is_inflight_full": true, '
        '"inflight_count": 3}]}'
    )
    assert RaftStatus.model_validate_json(camel) == RaftStatus.model_validate_json(snake)
    assert RaftStatus.model_validate_json(camel).peers[0].inflight_count == 3


def test_unknown_and_missing_fields_do_no_harm() -> None:
    """A later release may say more, an older one less."""
    stat = Stat.model_validate_json(
        '{"raft_status": {"new": [1]}, "later": {}, "space_stat": {"disk_stat_infos": null}}'
    )
    assert (stat.raft_status.term, stat.space_stat.disk_stat_infos, stat.read_only) == (0, (), None)


@pytest.mark.parametrize(
    "value", ['"12"', "1.0", "1.5", "true", "-1", "18446744073709551616", "NaN", "1e999", "null", "[]"]
)
@pytest.mark.parametrize("name", ["nodeId", "term", "commit", "leader"])
def test_invalid_unsigned_number_is_refused(name: str, value: str) -> None:
    """Ids, terms and indices are unsigned 64-bit numbers and nothing that looks like one."""
    with pytest.raises(ValidationError):
        Stat.model_validate_json(f'{{"raft_status": {{"{name}": {value}}}}}')


def test_odd_sum_keeps_the_rest_of_the_answer() -> None:
    """Sums of bytes are signed on the server: a negative one is passed on, one beyond 64 bits is not."""
    assert (
        Stat.model_validate_json('{"raft_status": {}, "space_stat": {"writable_space": -1}}').space_stat.writable_space
        == -1
    )
    with pytest.raises(ValidationError):
        Stat.model_validate_json(f'{{"raft_status": {{}}, "space_stat": {{"writable_space": {1 << 63}}}}}')


def test_more_items_than_any_list_has_are_refused() -> None:
    """Ten megabytes of peers end as an error."""
    body = '{"raft_status": {"peers": [' + ",".join(['{"id":1}'] * 100_001) + "]}}"
    with pytest.raises(ValidationError):
        Stat.model_validate_json(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = sorted(
    {*Stat.model_fields, *RaftStatus.model_fields, *(slot.name for slot in fields(Disk)), "nodeId", "disks", "marker"}
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.dictionaries(st.sampled_from(FIELDS), JSON), max_size=6))
def test_any_json_is_a_value_or_one_error(data: dict[str, Any]) -> None:
    """No JSON, however odd, raises anything but the one error that the client translates."""
    body = json.dumps(data)
    for model in (Stat, DiskInfo, DiskPage):
        with suppress(ValidationError):
            model.model_validate_json(body)


def reply(host: str, node: int, leader: int, term: int, commit: int = 0) -> HostAnswer:
    return HostAnswer(host, 0.1, Stat(raft_status=RaftStatus(node_id=node, leader=leader, term=term, commit=commit)))


def silent(host: str) -> HostAnswer:
    return HostAnswer(host, 5.0, error=ClusterTimeout("no answer", host=host))


def seen(*answers: HostAnswer) -> Snapshot:
    return Snapshot("prod", 100.0, answers)


@pytest.mark.parametrize(
    ("answers", "leader"),
    [
        ((reply("a", 1, 2, 5), reply("b", 2, 2, 5), reply("c", 3, 2, 5)), "b"),
        ((reply("a", 1, 1, 4), reply("b", 2, 2, 5)), "b"),  # a was leader before and does not know better
        (
            (reply("a", 1, 1, 5), reply("b", 2, 2, 5)),
            None,
        ),  # two claimants in one term contradict each other
        ((reply("a", 1, 1, 5), reply("b", 1, 1, 5)), None),  # one node under two addresses, or two clusters
        ((reply("a", 1, 2, 5), silent("b")), None),  # named, but never contacted on another's word
        ((reply("a", 0, 0, 5), reply("b", 0, 0, 5)), None),  # no leader; node 0 equals leader 0
        (
            (reply("a", 1, 1, 4), reply("b", 2, 0, 9)),
            "a",
        ),  # the removed or partitioned candidate does not unseat it
        ((silent("a"), silent("b")), None),
        ((), None),
    ],
)
def test_leader_names_itself_in_the_highest_term(answers: tuple[HostAnswer, ...], leader: str | None) -> None:
    """The configured host whose node id equals the leader it names; contradictions leave it open."""
    found = seen(*answers).leader
    assert (found[0] if found else None) == leader


def test_the_best_view_without_a_leader() -> None:
    """Then the answer of the highest term, and of the highest commit in it, is shown; silent hosts are listed."""
    snapshot = seen(reply("a", 1, 0, 5, 10), reply("b", 2, 0, 5, 20), reply("c", 3, 0, 4, 99), silent("d"))
    assert snapshot.best is not None
    assert snapshot.best[0] == "b"
    assert [each.host for each in snapshot.silent] == ["d"]
    assert (snapshot.term, snapshot.named_leaders) == (5, frozenset())
    assert seen(silent("a")).best is None


def test_hosts_of_the_highest_term_name_the_leader() -> None:
    """What a host of an older term names does not count."""
    assert seen(reply("a", 1, 3, 5), reply("b", 2, 3, 5), reply("c", 9, 1, 4)).named_leaders == {3}


# --- fields of a later release


def with_field(**more: Any) -> Disk:
    return DiskInfo.model_validate_json(json.dumps({"disk_id": 7, "cluster_id": 1} | more)).root


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ("ssd", "ssd"),
        ("two\nlines\u202e", "two lines?"),
        ("x" * 100_000, "x" * 39 + "…"),
        ([1, 2], "(2 items)"),
        ({"a": {"b": 1}}, "(1 fields)"),
    ],
    ids=str,
)
def test_unknown_field_is_kept_as_a_short_text(value: Any, text: str) -> None:
    assert with_field(foo=value).others == (("foo", text),)


def test_unused_field_of_a_known_release_is_not_kept() -> None:
    assert with_field().others == ()
    assert with_field() == Disk(disk_id=7)


def test_disks_are_kept_without_a_dict_and_their_common_texts_once() -> None:
    rows = [{"disk_id": number, "host": "http://10.0.0.1:8899", "path": "/data/1"} for number in (1, 2)]
    one, other = DiskPage.model_validate_json(json.dumps({"disks": rows})).disks
    assert not hasattr(one, "__dict__")
    assert one.host is other.host
    assert one.path is other.path


def test_field_called_others_is_unknown_like_any_other() -> None:
    assert with_field(others=[["a", "b"]]).others == (("others", "(1 items)"),)


def test_unknown_fields_are_bounded_in_number_and_name() -> None:
    many = with_field(**{f"{number}{'n' * 100}": number for number in range(100)}).others
    assert len(many) == MAX_OTHERS
    assert {len(name) for name, _ in many} == {MAX_OTHER_TEXT}


@pytest.mark.parametrize("name", ["others", "unused", "model_dump", "__class__", "_keep_few", "__dict__", ""])
def test_unknown_field_never_replaces_a_name_of_the_model(name: str) -> None:
    found = with_field(**{name: "evil"})
    assert found.others == ((name, "evil"),)
    assert found.disk_id == 7
    assert type(found) is Disk


def test_unknown_fields_of_a_stat_are_named_by_their_path() -> None:
    sent = {
        "a": 1,
        "raft_status": {"b": 2},
        "space_stat": {"c": 3, "disk_stat_infos": [{"idc": "z0", "d": 4}, {"idc": "z1", "d": 5}]},
        "volume_stat": {"e": 6},
    }
    paths = ["a", "raft_status.b", "space_stat.c", "volume_stat.e", "space_stat.disk_stat_infos.d"]
    assert [name for name, _ in Stat.model_validate_json(json.dumps(sent)).all_others] == paths
