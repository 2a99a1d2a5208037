"""Words for the problems of audit log files. No I/O."""

from bot.audit.chain import BadHead
from bot.audit.export import COLUMNS, CellHasOtherType, RowHasOtherColumns, RowUnreadable


def bad_head(_: BadHead) -> str:
    """The text is no head."""
    return "Write a head as number:hash, with 12 to 64 digits of the hash, as in 42:9f86d081884c."


def row_unreadable(problem: RowUnreadable) -> str:
    """The line cannot be read."""
    return f"{_no_row(problem.line)}: it cannot be read."


def row_has_other_columns(problem: RowHasOtherColumns) -> str:
    """The line has other columns."""
    return f"{_no_row(problem.line)}: it needs exactly {', '.join(COLUMNS)}."


def cell_has_other_type(problem: CellHasOtherType) -> str:
    """A value is of another type."""
    return f"{_no_row(problem.line)}: its {problem.column} is not of the right kind."


def _no_row(line: int) -> str:
    return f"Line {line} is no row of an audit log"
