"""The modals of a card: reject with a reason, settle an unknown outcome. No I/O."""

from collections.abc import Sequence

from bot.common.json_object import JsonObject
from bot.interactions.message import BlockJson
from bot.operations.model import Operation
from bot.views.blocks import clip, escape, plain, section
from bot.views.inputs import Ask, Choice, choose, typed
from bot.views.op_parts import title

CARD_CALLBACK = "cmbot_card:1"
"""The modal and its version."""
REASON, OUTCOME = "card:reason", "card:outcome"
"""The action ids, and block ids, of the inputs."""
MAX_REASON = 300
_MAX_TITLE = 24
_OUTCOMES = (
    Choice("done", "Done", "the cluster did what was asked"),
    Choice("not-done", "Not done", "the cluster did not do it, and will not"),
)


def reject_form(op: Operation, sealed: str) -> JsonObject:
    """Render the modal that rejects an operation; the reason is optional."""
    words = "The reason is shown on the card and recorded in the audit log. Nothing is sent to the cluster."
    reason = typed(Ask(REASON, REASON, "Reason", "What should the requester do instead?"), most=MAX_REASON)
    return _modal(f"Reject operation #{op.id}", op, words, [reason], "Reject", sealed)


def settle_form(op: Operation, sealed: str) -> JsonObject:
    """Render the modal in which an admin records an outcome."""
    words = (
        "Look at the cluster first: nothing is sent to it, and other operations may follow once this one is settled."
    )
    asked = [
        choose(Ask(OUTCOME, OUTCOME, "Outcome", required=True), _OUTCOMES),
        typed(Ask(REASON, REASON, "How that is known", "At least 3 characters.", required=True), most=MAX_REASON),
    ]
    return _modal(f"Settle operation #{op.id}", op, words, asked, "Settle", sealed)


def _modal(name: str, op: Operation, words: str, asked: Sequence[BlockJson], submit: str, sealed: str) -> JsonObject:
    return {
        "type": "modal",
        "callback_id": CARD_CALLBACK,
        "private_metadata": sealed,
        "title": _plain(name),
        "submit": _plain(submit),
        "close": _plain("Not now"),
        "blocks": [section(f"*{escape(title(op))}*\n{words}"), *asked],
    }


def _plain(text: str) -> JsonObject:
    return {"type": "plain_text", "text": clip(plain(text), _MAX_TITLE), "emoji": True}
