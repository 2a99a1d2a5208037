"""Words for the problems of maintenances. No I/O."""

from bot.common.text import listed, shown
from bot.operations import maintenance as m
from bot.views.safe_to_stop import stop_text

_MAX_KNOWN = 12


def unknown_host(problem: m.UnknownHost) -> str:
    """No member and no disk is on the host."""
    known = f" Hosts: {listed(problem.known, most=_MAX_KNOWN)}." if problem.known else ""
    return (
        f"{problem.cluster} knows no host {shown(problem.host)}: no configured Clustermgr node, no member and no disk "
        f"is on it.{known}"
    )


def not_safe_to_stop(problem: m.NotSafeToStop) -> str:
    """The verdict is against it."""
    return (
        f"{stop_text(problem.verdict)} No maintenance was started. To mute its alerts all the same, add anyway=yes "
        "and a reason=."
    )


def reason_missing(_: m.AnywayNeedsReason) -> str:
    """A confirmation has no reason."""
    return "A maintenance against the verdict needs a reason: add reason=, for those who read the alert channel."


def no_such_maintenance(problem: m.NoSuchMaintenance) -> str:
    """The host is not in maintenance."""
    known = f" In maintenance: {listed(problem.known, most=_MAX_KNOWN)}." if problem.known else " No host is."
    return f"{shown(problem.host)} of {problem.cluster} is not in maintenance.{known}"
