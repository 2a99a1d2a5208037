"""Words about the default policies of an installation. No I/O."""

from collections.abc import Mapping

from bot.operations.policy import PolicyMode

MODES: Mapping[PolicyMode, str] = {
    PolicyMode.STRICT: "a second person decides on each change that risks a cluster",
    PolicyMode.LOOSE: "an approver may approve most of their own changes",
}
UNSET = "not set: this installation began before strict policies, so an approver may approve their own changes"
UNSET_FIX = "set policies.default: strict (a second person decides), or loose to keep it so"
NOTE = f"policies.default is {UNSET}. An admin can {UNSET_FIX}."
"""What `/readyz` and the Home tab say until the settings name the default policies."""
