"""Refusals of the platform, and the list of rules that the app broke."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


class ApiError(Exception):
    """An answer `{"ok": false, "error": code}` with `extra`; `detail` is for the list of violations."""

    def __init__(self, code: str, detail: str = "", **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.extra = extra


class Unsupported(ApiError):
    """A block of a kind that this workspace does not take: no mistake of the app, which falls back."""


class ActRefused(Exception):
    """A refusal of what a person does; `code` is Slack's, `str()` is a sentence for that person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


RULE = "rule"
"""The app broke a rule: invalid blocks, a late acknowledgement, a sixth use."""
ERROR = "error"
"""The app met a state of the workspace: a channel it is not in, a message that is gone."""

STATE_ERRORS = frozenset(
    {
        "already_pinned",
        "already_reacted",
        "channel_not_found",
        "dispatch_failed",
        "hash_conflict",
        "is_archived",
        "message_not_found",
        "not_found",
        "not_in_channel",
        "no_such_subteam",
        "thread_not_found",
        "user_not_found",
        "user_not_in_channel",
        "users_not_found",
        "bot_not_found",
    }
)
"""Slack's error codes for a state of the workspace; all other codes are mistakes of the app."""


@dataclass(frozen=True, slots=True)
class Violation:
    """`rule` is Slack's error code or the rule's name, `category` RULE or ERROR, `where` the method; Unix seconds."""

    at: float
    rule: str
    detail: str
    where: str = ""

    @property
    def category(self) -> str:
        """RULE for a mistake of the app, ERROR for a state of the workspace."""
        return ERROR if self.rule in STATE_ERRORS else RULE


def not_allowed(found: Collection[Violation], allow: Collection[str]) -> list[Violation]:
    """The violations whose rule and category are not in `allow`."""
    return [each for each in found if each.rule not in allow and each.category not in allow]
