"""Checks of disks that are changed."""

from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.facts import disks as f
from bot.operations.preflight.verdict import Check, block


def disk_checks(facts: PreflightContext) -> tuple[Check, ...]:
    """Check a change of disks; without the disk list nothing can be checked."""
    known = facts.disks
    return (block("disks", f.DiskListUnread(known.errors if known is not None else ())),)
