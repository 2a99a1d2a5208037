"""Queries of the audit log and their results. No I/O."""

from bot.audit.chain import AuditRow, Head
from bot.common.frozen import frozen


@frozen
class AuditQuery:
    """Selects rows: at `since` (Unix seconds) or later, by `actor`, about `cluster`, of `action`; "" and 0 match all.

    The reader may not see rows of the clusters in `hidden`; with `among` they see rows of these clusters only.
    """

    since: float = 0.0
    actor: str = ""
    cluster: str = ""
    hidden: tuple[str, ...] = ()
    among: tuple[str, ...] | None = None
    action: str = ""


ALL = AuditQuery()


@frozen
class Found:
    """The newest matching rows, newest first; `total` counts all of them, `head` is the end of the log."""

    rows: tuple[AuditRow, ...]
    total: int
    head: Head


@frozen
class CsvExport:
    """The newest `rows` of `total` matching rows as a CSV file, oldest first."""

    content: bytes
    rows: int
    total: int
