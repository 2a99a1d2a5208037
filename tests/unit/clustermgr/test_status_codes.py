"""The meaning of each HTTP status, for reads and writes: the table, its edges, and any other answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clustermgr.status_codes import NEXT_STEPS, Answer, check_read, check_write, server_text
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterRefused,
    NoLeader,
    NotFound,
    OutcomeUnknown,
)

PAGE = "404 page not found"


def answer(
    status: int, words: str = "words", *, took: float = 0.1, body: bytes | None = None, kind: bool = True
) -> Answer:
    found = json.dumps({"error": words}).encode() if body is None else body
    return Answer("10.0.0.1:9998", status, found, "trace-1", took, kind)


def kind_of(found: Answer, *, writing: bool) -> type[ClusterError] | None:
    try:
        (check_write if writing else check_read)(found)
    except ClusterError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("status", "read", "written"),
    [
        (200, None, OutcomeUnknown),
        (101, ClusterBadAnswer, OutcomeUnknown),
        (201, ClusterBadAnswer, OutcomeUnknown),
        (204, ClusterBadAnswer, OutcomeUnknown),
        (301, ClusterBadAnswer, OutcomeUnknown),
        (302, ClusterBadAnswer, OutcomeUnknown),
        (399, ClusterBadAnswer, OutcomeUnknown),
        (400, ClusterRefused, ClusterRefused),
        (403, AuthRejected, AuthRejected),
        (404, NotFound, NotFound),
        (405, ClusterRefused, ClusterRefused),
        (408, ClusterRefused, OutcomeUnknown),
        (429, ClusterRefused, ClusterRefused),
        (499, ClusterRefused, OutcomeUnknown),
        (500, ClusterFailed, OutcomeUnknown),
        (502, ClusterFailed, OutcomeUnknown),
        (599, ClusterFailed, OutcomeUnknown),
        (600, ClusterBadAnswer, OutcomeUnknown),
        (899, ClusterBadAnswer, OutcomeUnknown),
        (905, ClusterRefused, OutcomeUnknown),
        (906, ClusterFailed, OutcomeUnknown),
        (907, NoLeader, NoLeader),
        (908, ClusterFailed, OutcomeUnknown),
        (909, ClusterRefused, OutcomeUnknown),
        (910, ClusterRefused, ClusterRefused),
        (911, NotFound, NotFound),
        (912, ClusterRefused, ClusterRefused),
        (926, ClusterRefused, ClusterRefused),
        (934, NotFound, NotFound),
        (999, ClusterRefused, ClusterRefused),
    ],
)
def test_status_code_becomes_its_error(
    status: int, read: type[ClusterError] | None, written: type[ClusterError] | None
) -> None:
    """Each documented status, and the first and last of each range."""
    assert (kind_of(answer(status), writing=False), kind_of(answer(status), writing=True)) == (read, written)


@pytest.mark.parametrize(("took", "kind"), [(5.0, ClusterRefused), (5.01, OutcomeUnknown), (10.0, OutcomeUnknown)])
@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_refusal_that_took_long_is_in_doubt(status: int, took: float, kind: type[ClusterError]) -> None:
    """Old releases answer 400 to a proposal that timed out and may yet be applied; a read is refused all the same."""
    late = answer(status, took=took)
    with pytest.raises(kind):
        check_write(late)
    with pytest.raises(ClusterRefused):
        check_read(late)


@pytest.mark.parametrize(
    "foreign",
    [
        answer(404, body=PAGE.encode(), kind=False),
        answer(404, body=b'{"message": "no route matched"}'),
        answer(404, body=b"not json at all"),
        answer(404, body=b"[" * 100_000),
    ],
)
def test_404_of_another_server_is_an_error(foreign: Answer) -> None:
    """Only Clustermgr's own shape says that the thing asked for does not exist."""
    assert kind_of(foreign, writing=False) is ClusterRefused


def test_a_login_page_is_no_success_of_a_write() -> None:
    """A 200 that is not of the documented shape does not prove that anything was done."""
    assert kind_of(answer(200, body=b"<html>log in</html>", kind=False), writing=True) is OutcomeUnknown
    for body in (b"[[1]]", b'"done"', b"[" * 60_000, b"{", b'{"error": "not the leader"}'):
        assert kind_of(answer(200, body=body), writing=True) is OutcomeUnknown
    for body in (b"", b"  ", b"null", b"{}", b'{"term": 3}'):
        assert kind_of(answer(200, body=body), writing=True) is None
    assert kind_of(answer(200, body=b"", kind=False), writing=True) is None


def test_error_names_status_fields_and_next_step() -> None:
    """The sentence names the host and the server's words; status and trace id are carried."""
    with pytest.raises(ClusterRefused) as caught:
        check_write(answer(910, "duplicated member info"))
    error = caught.value
    assert str(error) == "10.0.0.1:9998 refused: duplicated member info (910)."
    assert (error.host, error.status, error.words, error.trace_id) == (
        "10.0.0.1:9998",
        910,
        "duplicated member info",
        "trace-1",
    )


@given(st.text(max_size=2000))
def test_words_are_one_printable_bounded_line(text: str) -> None:
    """Any server text is shown as one line without control or direction marks."""
    words = server_text(answer(400, body=json.dumps({"error": text}).encode()))
    assert len(words) <= 300
    assert all(char.isprintable() for char in words)


@given(st.integers(100, 999), st.binary(max_size=200), st.booleans(), st.floats(0, 60))
def test_only_client_errors_escape_and_only_200_succeeds(status: int, body: bytes, kind: bool, took: float) -> None:
    """Any status and any body come to a value or to an error of the tree; a write never fails as a read."""
    found = answer(status, body=body, kind=kind, took=took)
    assert (kind_of(found, writing=False) is None) == (status == 200)
    written = kind_of(found, writing=True)
    assert written is None or issubclass(written, ClusterRefused | OutcomeUnknown)
    assert status == 200 or written is not None


@pytest.mark.parametrize("status", sorted(NEXT_STEPS))
def test_refused_change_of_a_disk_says_what_to_do(status: int) -> None:
    """The codes that real servers answer with (recorded_data) keep the server's own words too."""
    with pytest.raises(ClusterRefused) as refused:
        check_write(answer(status, "some disks are in use"))
    assert "some disks are in use" in refused.value.sentence
    assert refused.value.sentence.endswith(NEXT_STEPS[status])


def test_refusal_of_another_server_gets_no_advice_on_disks() -> None:
    with pytest.raises(ClusterRefused) as refused:
        check_write(answer(926, body=b"926 of a proxy", kind=False))
    assert NEXT_STEPS[926] not in refused.value.sentence
