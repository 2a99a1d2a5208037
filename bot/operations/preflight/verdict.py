"""Result of a preflight: checks with a level and a fact, and the differences between two results."""

from collections.abc import Callable, Collection
from dataclasses import replace
from enum import StrEnum

from bot.common.frozen import frozen
from bot.operations.preflight.fingerprint import Fingerprint


class CheckLevel(StrEnum):
    """Level of a check; a `block` prevents the proposal and the execution of an operation."""

    PASS = "pass"  # noqa: S105 - a level, not a password
    WARN = "warn"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for pass, 1 for warn, 2 for block."""
        return list(CheckLevel).index(self)


@frozen
class Fact:
    """Statement of a check: its data, without words; one subclass a statement (facts/)."""


@frozen
class LegacyFact(Fact):
    """Text of a check that was stored without its fact, as 0.1.0 did, or with one that is not known here."""

    sentence: str
    next_step: str = ""


@frozen
class Check:
    """One check and the fact that it found.

    `forceable` is True if break-glass may turn this block into a warning, `forced` if it did. `bound` has the facts,
    besides the level, that an approval is bound to: when they change, the approval is void.
    """

    key: str
    level: CheckLevel
    fact: Fact
    forceable: bool = False
    bound: str = ""
    forced: bool = False


CheckWording = Callable[[Check], tuple[str, str]]
"""Puts a check into words: its sentence and its next step. Views implement it; the codec gets it as an argument."""


def passed(key: str, fact: Fact, *, bound: str = "") -> Check:
    """Make a check that found nothing wrong."""
    return Check(key, CheckLevel.PASS, fact, bound=bound)


def warn(key: str, fact: Fact, *, bound: str = "") -> Check:
    """Make a check that the approver must consider."""
    return Check(key, CheckLevel.WARN, fact, bound=bound)


def block(key: str, fact: Fact, *, forceable: bool = False, bound: str = "") -> Check:
    """Make a check that refuses."""
    return Check(key, CheckLevel.BLOCK, fact, forceable, bound)


@frozen
class PreflightResult:
    """All checks of one request on one state of the cluster, and the fingerprint of that state."""

    checks: tuple[Check, ...]
    fingerprint: Fingerprint

    @property
    def level(self) -> CheckLevel:
        """Worst level of the checks."""
        return max((check.level for check in self.checks), key=lambda level: level.rank, default=CheckLevel.PASS)

    @property
    def blocked(self) -> bool:
        """True if any check refuses."""
        return self.level is CheckLevel.BLOCK

    @property
    def already_so(self) -> bool:
        """True if the cluster already is as requested, so that nothing needs to be sent."""
        return not self.blocked and any(check.key == "already_so" for check in self.checks)

    @property
    def forceable(self) -> bool:
        """True if there are blocks and break-glass may override all of them."""
        return self.blocked and all(check.forceable for check in self.of_level(CheckLevel.BLOCK))

    def of_level(self, level: CheckLevel) -> tuple[Check, ...]:
        """Checks of exactly that level."""
        return tuple(check for check in self.checks if check.level is level)

    def check(self, key: str) -> Check | None:
        """Check of that key, None when it was not made."""
        return next((check for check in self.checks if check.key == key), None)

    def forced(self, keys: Collection[str] | None = None) -> "PreflightResult":
        """Turn every forceable block, or those of these keys only, into a warning that is marked as forced."""
        checks = (_lifted(check) if keys is None or check.key in keys else check for check in self.checks)
        return replace(self, checks=tuple(checks))


def _lifted(check: Check) -> Check:
    if check.level is not CheckLevel.BLOCK or not check.forceable:
        return check
    return replace(check, level=CheckLevel.WARN, forced=True)


def changed_checks(old: PreflightResult, new: PreflightResult) -> tuple[Check, ...]:
    """Checks of `new` that `old` does not have, or has with another level or other bound facts.

    A warning that break-glass made of a block is another one than a plain warning.
    """
    before = {check.key: (check.level, check.bound, check.forced) for check in old.checks}
    return tuple(check for check in new.checks if before.get(check.key) != (check.level, check.bound, check.forced))


def changes_a_check(old: PreflightResult, new: PreflightResult) -> bool:
    """True if an approval of `old` is void on `new`: a check came, went, or changed its level or bound facts.

    Facts may differ (a lag, a number of snapshots) without changing a check.
    """
    gone = {check.key for check in old.checks} - {check.key for check in new.checks}
    return bool(gone or changed_checks(old, new))
