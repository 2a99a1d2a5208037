"""The rule of the chain, held against a second reading of docs/audit.md, and what people type and open."""

import hashlib
import json

import pytest

from bot.audit.chain import GENESIS, AuditRow, Head, cut_off, next_row, parse_head, stamp, unstamp, verify
from bot.audit.export import csv_rows, harmless, json_line, read_lines
from tests.support.refusals import refused

FIRST = next_row(
    GENESIS, at=1735689599.9994, actor="U1", action="a.b", cluster="prod", op_id=3, detail='{"words":"\u00fc \\"x\\""}'
)


def test_hash_equals_the_documented_one() -> None:
    """Written out by hand: the keys in order, no space, UTF-8 as it is."""
    text = (
        '{"action":"a.b","actor":"U1","at":"2024-12-31T23:59:59.999Z","cluster":"prod",'
        '"detail":"{\\"words\\":\\"\u00fc \\\\\\"x\\\\\\"\\"}","op_id":3,'
        '"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","seq":1}'
    )
    assert FIRST.hash == hashlib.sha256(text.encode()).hexdigest()


def test_row_hashed_by_this_release_keeps_its_hash() -> None:
    assert FIRST.hash == "126109d7ee7bce496328767140fcfa57af704085cfd02f99be6d1429ca69d99d"


def test_an_export_can_be_checked_without_this_program() -> None:
    second = next_row(FIRST.head, at=1.0, actor="", action="x", cluster="", op_id=0, detail="{}")
    previous = "0" * 64
    for line in (json_line(FIRST), json_line(second)):
        row = json.loads(line)
        claimed = row.pop("hash")
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert row["prev_hash"] == previous
        assert hashlib.sha256(text.encode()).hexdigest() == claimed
        previous = claimed


def test_the_first_broken_row_is_named() -> None:
    second = next_row(FIRST.head, at=1.0, actor="", action="x", cluster="", op_id=0, detail="{}")
    broken = verify([second])
    assert broken is not None
    assert (broken.seq, broken.why) == (
        2,
        "it is in the place of row 1: rows were removed, doubled or exchanged",
    )


def test_a_head_that_was_noted_proves_the_end() -> None:
    assert cut_off(FIRST.head, parse_head(FIRST.head.short)) is None
    gone = cut_off(FIRST.head, Head(3, "ab" * 32))
    assert gone is not None
    assert gone.why == "the log ends with row 1, but row 3 existed: the end was removed"
    rewritten = verify([FIRST], noted=Head(1, "ab" * 8))
    assert rewritten is not None
    assert rewritten.why == "its hash is not the noted one: the log was rewritten"


@pytest.mark.parametrize("text", ["", "42", "42:", "42:abc", "x:" + "a" * 12, "1:" + "a" * 65, "1:" + "g" * 12])
def test_a_head_is_written_in_one_way(text: str) -> None:
    with refused("number:hash"):
        parse_head(text)


@pytest.mark.parametrize(
    "text", ["2024-12-31", "2024-12-31T23:59:59Z", "2024-12-31T23:59:59.9999Z", "2025-01-01T00:59:59.999+01:00", "x"]
)
def test_a_time_is_written_in_one_way(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unstamp(text)
    assert unstamp("2024-12-31T23:59:59.999Z") == FIRST.at
    assert stamp(0) == "1970-01-01T00:00:00.000Z"


GOOD = json.loads(json_line(FIRST))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "it needs exactly seq, at"),
        ("{}", "it needs exactly seq, at"),
        (json.dumps({**GOOD, "more": 1}), "it needs exactly"),
        (json.dumps({**GOOD, "seq": "1"}), "its seq is not"),
        (json.dumps({**GOOD, "op_id": True}), "its op_id is not"),
        (json.dumps({**GOOD, "detail": {}}), "its detail is not"),
        (json.dumps({**GOOD, "at": "yesterday"}), "cannot be read"),
        (json.dumps({**GOOD, "at": "9999-99-99T00:00:00.000Z"}), "cannot be read"),
    ],
)
def test_invalid_export_line_is_named(line: str, words: str) -> None:
    with refused(f"^Line 2 is no row of an audit log: .*{words}"):
        list(read_lines(["\n", line]))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "'\t'=1"),
        ("a;=1", "a;'=1"),
        ("a\n=1", "a\n'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        ("U0ANNA", "U0ANNA"),
        ("", ""),
    ],
)
def test_formulas_are_disarmed_and_the_rest_is_left_alone(cell: str, shown: str) -> None:
    assert harmless(cell) == shown


def test_csv_is_for_people() -> None:
    row = AuditRow(7, 0.5, "U1", "operation.waiting", "prod", 0, '{"words":"=1, a \\"b\\""}', "a", "b")
    assert csv_rows([row]) == (
        '"7","1970-01-01T00:00:00.500Z","U1","operation.waiting","prod","",'
        '"{""words"":""=1, a \\""b\\""""}","a","b"\r\n'
    )
