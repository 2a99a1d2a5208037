"""Words for the facts of disks that are changed. No I/O."""

from bot.operations.preflight.facts import disks as f
from bot.views.preflight_text.phrases import CheckText


def disk_list_unread(fact: f.DiskListUnread) -> CheckText:
    """The disk list could not be read."""
    why = " ".join(fact.errors)
    return CheckText(
        f"The disks of the cluster could not be read, so nothing is known of this change. {why}".strip(),
        "Try again in some seconds; `/cm disks` shows if the cluster answers.",
    )
