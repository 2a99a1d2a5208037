"""What a preflight says: checks with a level and a sentence, their sum, and whether two sums differ."""

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.operations.preflight.fingerprint import Fingerprint


class CheckLevel(StrEnum):
    """How a check went; a `block` keeps the operation from being proposed or run."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for pass, 1 for warn, 2 for block."""
        return list(CheckLevel).index(self)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: `sentence` shows the facts, `next_step` what to do about it (never "" in a block).

    `forceable`: whether break-glass may turn this block into a warning. `bound` holds the facts, besides the level,
    that an approval of this check is bound to: when they move, the approval is void.
    """

    key: str
    level: CheckLevel
    sentence: str
    next_step: str = ""
    forceable: bool = False
    bound: str = ""

    def __post_init__(self) -> None:
        if self.level is CheckLevel.BLOCK and not self.next_step:
            raise ValueError(f"the block {self.key} names no next step")

    @property
    def ended(self) -> str:
        """The sentence with a full stop, so that advice can follow it."""
        return self.sentence if self.sentence.rstrip().endswith((".", "!", "?", ":", "…")) else f"{self.sentence}."


def passed(key: str, sentence: str, next_step: str = "", *, bound: str = "") -> Check:
    """A check that found nothing wrong."""
    return Check(key, CheckLevel.PASS, sentence, next_step, bound=bound)


def warn(key: str, sentence: str, next_step: str = "", *, bound: str = "") -> Check:
    """A check whose finding the approver must weigh."""
    return Check(key, CheckLevel.WARN, sentence, next_step, bound=bound)


def block(key: str, sentence: str, next_step: str, *, forceable: bool = False, bound: str = "") -> Check:
    """A check that refuses."""
    return Check(key, CheckLevel.BLOCK, sentence, next_step, forceable, bound)


@dataclass(frozen=True, slots=True)
class PreflightResult:
    """All checks of one request against one state of the cluster, and that state's fingerprint."""

    checks: tuple[Check, ...]
    fingerprint: Fingerprint

    @property
    def level(self) -> CheckLevel:
        """The worst level among the checks."""
        return max((check.level for check in self.checks), key=lambda level: level.rank, default=CheckLevel.PASS)

    @property
    def blocked(self) -> bool:
        """Whether any check refuses."""
        return self.level is CheckLevel.BLOCK

    @property
    def already_so(self) -> bool:
        """Whether the cluster is already as asked, so that nothing needs to be sent."""
        return not self.blocked and any(check.key == "already_so" for check in self.checks)

    @property
    def forceable(self) -> bool:
        """Whether there are blocks and break-glass may lift every one of them."""
        return self.blocked and all(check.forceable for check in self.of_level(CheckLevel.BLOCK))

    def of_level(self, level: CheckLevel) -> tuple[Check, ...]:
        """The checks of exactly that level."""
        return tuple(check for check in self.checks if check.level is level)

    def check(self, key: str) -> Check | None:
        """The check of that key, None when it was not made."""
        return next((check for check in self.checks if check.key == key), None)

    def forced(self) -> "PreflightResult":
        """The same with every forceable block turned into a warning that says so loudly."""
        return replace(self, checks=tuple(map(_lifted, self.checks)))


def _lifted(check: Check) -> Check:
    if check.level is not CheckLevel.BLOCK or not check.forceable:
        return check
    return replace(check, level=CheckLevel.WARN, sentence=f"FORCED against this block: {check.sentence}")


def changed_checks(old: PreflightResult, new: PreflightResult) -> tuple[Check, ...]:
    """The checks of `new` that `old` did not make, or made with another level or other bound facts."""
    before = {check.key: (check.level, check.bound) for check in old.checks}
    return tuple(check for check in new.checks if before.get(check.key) != (check.level, check.bound))


def changes_a_check(old: PreflightResult, new: PreflightResult) -> bool:
    """Whether an approval given on `old` is void on `new`: a check came, went, or changed what it is bound to.

    Sentences may differ (a lag, a number of looks) without changing a check.
    """
    gone = {check.key for check in old.checks} - {check.key for check in new.checks}
    return bool(gone or changed_checks(old, new))
