"""The answer to /cm admin reload, and what its caller hears later. No I/O."""

from bot.interactions.message import Message
from bot.interactions.reload import Reloaded
from bot.views.blocks import code, context, count, escape, message, section

_SHOWN = 20


def reloaded(found: Reloaded) -> Message:
    """Show what changes on the replica that answers, and what the others do."""
    where = context(f"Replica: {code(escape(found.replica))}. {_of_others(found.others)}".strip())
    if not found.changes:
        text = "The settings are those that are in use already, so nothing changes."
        return message(text, section(text), where)
    text = f"Taking over {count(len(found.changes), 'change')} of the settings: answers pause for a moment."
    lines = [f"• {escape(line)}" for line in found.changes[:_SHOWN]]
    if left := len(found.changes) - _SHOWN:
        lines += [f"• and {left} more: the audit log lists them"] if left > 0 else []
    return message(text, section(text), section("\n".join(lines)), where)


def reload_failed(replica: str, why: str) -> Message:
    """Tell the person who reloaded that the program could not be built with the new settings."""
    text = "The new settings could not be used after all: the ones before are in use again."
    return message(text, section(text), section(escape(why)), context(f"Replica: {code(escape(replica))}."))


def _of_others(others: int) -> str:
    if not others:
        return ""
    read = "reads its own settings" if others == 1 else "read their own settings"
    return f"{count(others, 'other replica')} {read} within seconds: `/cm audit` shows what came of it."
