"""CheckRow: the result of one check of `cmbot check`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckRow:
    """The result of one check; `fix` says what to do about a failure."""

    what: str
    well: bool
    found: str
    fix: str = ""
