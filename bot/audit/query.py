"""What may be asked of the audit log, and what is answered. Pure."""

from dataclasses import dataclass

from bot.audit.chain import AuditRow, Head


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which rows: noted at `since` (Unix seconds) or later, by `actor`, about `cluster`; "" and 0 are any.

    `hidden` are clusters whose rows the reader may not see; with `among`, they may see the rows of these clusters only.
    """

    since: float = 0.0
    actor: str = ""
    cluster: str = ""
    hidden: tuple[str, ...] = ()
    among: tuple[str, ...] | None = None


ALL = AuditQuery()


@dataclass(frozen=True, slots=True)
class Found:
    """The newest of the rows asked for, the newest first; `total` is how many there are, `head` the end of the log."""

    rows: tuple[AuditRow, ...]
    total: int
    head: Head


@dataclass(frozen=True, slots=True)
class CsvExport:
    """The newest `rows` of `total` rows asked for as a CSV file, the oldest first."""

    content: bytes
    rows: int
    total: int
