"""The chain of the audit log: after any change, the first wrong row is named."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.audit.chain import GENESIS, AuditRow, Head, cut_off, next_row, stamp, unstamp, verify
from bot.audit.export import COLUMNS, csv_head, csv_rows, json_lines, read_lines

TEXT = st.text(max_size=20)
TIMES = st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000)
FIELDS = st.fixed_dictionaries(
    {
        "at": TIMES,
        "actor": TEXT,
        "action": TEXT,
        "cluster": TEXT,
        "op_id": st.integers(0, 2**53),
        "detail": st.dictionaries(TEXT, TEXT, max_size=3).map(json.dumps) | TEXT,
    }
)


def chained(contents: list[dict[str, Any]]) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for content in contents:
        rows.append(next_row(rows[-1].head if rows else GENESIS, **content))
    return rows


CHAINS = st.lists(FIELDS, min_size=1, max_size=8).map(chained)


@given(CHAINS)
def test_appended_rows_verify_from_any_start(rows: list[AuditRow]) -> None:
    assert verify(rows) is None
    for place, row in enumerate(rows):
        assert verify(rows[place + 1 :], start=row.head) is None
        assert verify(rows, noted=row.head) is None
    assert cut_off(rows[-1].head, rows[-1].head) is None


CHANGES = st.one_of(
    *(st.tuples(st.just(name), TEXT) for name in ("actor", "action", "cluster", "detail", "prev_hash", "hash")),
    *(st.tuples(st.just(name), st.integers(-1, 2**60)) for name in ("seq", "op_id")),
    st.tuples(st.just("at"), TIMES | st.floats()),
    st.tuples(st.sampled_from(COLUMNS), st.sampled_from([None, b"x", 1e300, float("nan")])),
)


@given(CHAINS, CHANGES, st.data())
def test_a_changed_row_is_the_first_that_is_named(
    rows: list[AuditRow], change: tuple[str, Any], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    name, value = change
    changed = replace(rows[place], **{name: value})
    assume(changed != rows[place])
    broken = verify([*rows[:place], changed, *rows[place + 1 :]])
    assert broken is not None
    assert broken.seq == changed.seq


@given(CHAINS, FIELDS, st.data())
def test_changed_row_with_new_hash_breaks_the_next_row(
    rows: list[AuditRow], content: dict[str, Any], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    forged = next_row(rows[place - 1].head if place else GENESIS, **content)
    assume(forged != rows[place])
    broken = verify([*rows[:place], forged, *rows[place + 1 :]])
    if place + 1 < len(rows):
        assert broken is not None
        assert broken.seq == place + 2
    else:
        # No row follows the last one: only a head kept elsewhere shows the change.
        assert broken is None
    noted = verify([*rows[:place], forged, *rows[place + 1 :]], noted=rows[place].head)
    assert noted is not None
    assert noted.seq == place + 1


@given(CHAINS, st.data())
def test_removed_row_or_end_is_detected_with_a_known_head(rows: list[AuditRow], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    left = [*rows[:place], *rows[place + 1 :]]
    broken = verify(left)
    if left[place:]:
        assert broken is not None
        assert broken.seq == place + 2
        assert f"in the place of row {place + 1}" in broken.why
        return
    assert broken is None
    gone = cut_off(left[-1].head if left else GENESIS, rows[-1].head)
    assert gone is not None
    assert gone.seq == len(rows)


@given(CHAINS, st.randoms())
def test_another_order_is_no_chain(rows: list[AuditRow], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assume(shuffled != rows)
    broken = verify(shuffled)
    first = next(place for place, row in enumerate(shuffled) if row != rows[place])
    assert broken is not None
    assert broken.seq == shuffled[first].seq


@given(CHAINS, FIELDS, st.data())
def test_an_inserted_or_doubled_row_is_found(
    rows: list[AuditRow], content: dict[str, Any], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    other = next_row(rows[place - 1].head if place else GENESIS, **content)
    for strange in (other, rows[place]):
        assert verify([*rows[: place + 1], strange, *rows[place + 1 :]]) is not None


@given(TIMES)
def test_times_are_parsed_from_their_text(at: float) -> None:
    assert unstamp(stamp(at)) == at


@given(CHAINS)
def test_an_export_holds_the_very_rows_and_its_chain(rows: list[AuditRow]) -> None:
    text = json_lines(rows)
    assert text.isascii()
    assert list(read_lines(text.splitlines())) == rows


TRIGGERS = st.lists(st.sampled_from([*"=+-@;\t\r\n ,'\"x\uff1d"]), max_size=12).map("".join)


@given(st.builds(AuditRow, st.just(1), TIMES, TRIGGERS | TEXT, TRIGGERS, TRIGGERS, st.just(0), TRIGGERS, TEXT, TEXT))
def test_no_cell_begins_a_formula_however_the_file_is_cut(row: AuditRow) -> None:
    [names, cells] = csv.reader(io.StringIO(csv_head() + csv_rows([row]), newline=""))
    assert names == list(COLUMNS)
    assert len(cells) == len(COLUMNS)
    for cell in cells:
        for piece in cell.replace("\t", ";").replace("\r", ";").replace("\n", ";").split(";"):
            assert piece.lstrip()[:1] not in {"=", "+", "-", "@", "\uff1d"}


def test_head_has_a_long_and_a_short_text() -> None:
    head = Head(42, "ab" * 32)
    assert (str(head), head.short) == (f"42:{'ab' * 32}", "42:abababababababab")
