"""Report: a message that fits a screen, and what is too long for it, as replies in its thread."""

from dataclasses import dataclass

from bot.interactions.message import Message


@dataclass(frozen=True, slots=True)
class Report:
    """What is posted, and what goes into its thread, in order."""

    message: Message
    thread: tuple[Message, ...] = ()
