"""Buttons of a switch that goes back later, or how to change that where no single person may."""

from slackblocks import Button

from bot.interactions.message import BlockJson
from bot.operations.decisions import needs_more_people
from bot.operations.leases import extended, switch_of
from bot.operations.model import Operation
from bot.views.blocks import actions, button, confirm, context
from bot.views.op_parts import button_value, word

EXTEND, KEEP = "op_extend", "op_keep"


def lease_buttons(op: Operation) -> list[BlockJson]:
    """Buttons to extend and to keep it; a button that everyone would be refused is left out."""
    if op.forced or (op.terms is not None and needs_more_people(op, op.terms.policy)):
        text = (
            "No single person may change that: propose it again, without `for=` to keep it, with `for=` for more time."
        )
        return [context(text)]
    longer = [button("Extend", EXTEND, button_value(op))] if extended(op) is not None else []
    return [actions(*longer, _keep_button(op))]


def _keep_button(op: Operation) -> Button:
    text = f"Cluster {op.cluster}: {op.task} stays {word(switch_of(op)[0])} until a new change."
    return button("Keep", KEEP, button_value(op), confirm=confirm("Keep it for good?", text, "Keep it", "Not now"))
