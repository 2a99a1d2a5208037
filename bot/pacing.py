"""How the outbox treats Slack: what each error means, how long to wait, how fast to post. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bot.errors import SlackError, SlackLost, SlackRetryable

AUTH = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "missing_scope",
        "no_permission",
        "org_login_required",
        "ekm_access_denied",
        "access_denied",
        "team_access_not_granted",
        "two_factor_setup_required",
        "enterprise_is_restricted",
    }
)
"""Nothing can be sent until a person mends the installation: no message is at fault."""

PERMANENT = frozenset(
    {
        "is_inactive",
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_thread_locked",
        "messages_tab_disabled",
        "cannot_reply_to_message",
        "thread_not_found",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "invalid_arguments",
        "metadata_too_large",
        "metadata_must_be_sent_with_text",
        "invalid_metadata_format",
        "cant_update_message",
        "cant_delete_message",
        "edit_window_closed",
    }
)
"""The same call would be refused for ever."""

CHANNEL = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "is_inactive",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
    }
)
"""Nothing can be posted in that channel until a person mends it; each is permanent for the message."""

PLAIN = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"""The blocks are refused; the fallback text alone may pass."""

DELETED = frozenset({"message_not_found"})
"""Somebody deleted the message: what is still open is posted anew, the rest is given up."""

NO_THREAD = frozenset({"thread_not_found", "message_not_found"})
"""Said of a reply: somebody deleted the message in whose thread it belongs."""

TRANSIENT = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"})
UNSURE = frozenset({"internal_error", "fatal_error"})
"""Slack's words for "some aspect of the operation may have succeeded" (chat.postMessage's reference page)."""

UNKNOWN_TRIES = 5
"""How often a call is tried whose error is in none of the sets."""

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_AUTH_WAIT = 30.0
_LOST_WAIT = 2.0


class Hold(Enum):
    """What else must wait along with the row: nothing, its channel's posts, every edit, everything."""

    ROW = "row"
    CHANNEL = "channel"
    EDITS = "edits"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means: seconds until the next try (None: never), what waits along, whether it may have passed."""

    wait: float | None
    hold: Hold
    doubt: bool


def judge(error: SlackError, *, method: str, attempts: int, doubt: bool, random: Callable[[], float]) -> Verdict:
    """Decide about a failed `method` (find, post, update, delete) of a row at its n-th attempt.

    `doubt` says whether an earlier post of the row may exist; `random` gives numbers in [0, 1).
    """
    doubtful = _unsure(error) if method == "post" else doubt
    if error.code in AUTH:
        return Verdict(max(_AUTH_WAIT, back_off(attempts, random)), Hold.ALL, doubtful)
    if error.code in PERMANENT or (attempts >= UNKNOWN_TRIES and not _passes(error)):
        return Verdict(None, Hold.ROW, doubtful)
    wait = back_off(attempts, random)
    if isinstance(error, SlackRetryable):
        limited = "ratelimited" in error.code.replace("_", "")
        asked = error.retry_after * (1 + 0.1 * random())
        hold = {"post": Hold.CHANNEL, "find": Hold.ROW}.get(method, Hold.EDITS) if limited else Hold.ROW
        return Verdict(asked if limited else max(asked, wait), hold, doubtful)
    return Verdict(max(_LOST_WAIT, wait) if doubtful else wait, Hold.ROW, doubtful)


def _unsure(error: SlackError) -> bool:
    return isinstance(error, SlackLost) or error.code in UNSURE


def _passes(error: SlackError) -> bool:
    """Whether the error is one that goes away by itself."""
    return isinstance(error, SlackRetryable) or _unsure(error) or error.code in TRANSIENT


def back_off(attempts: int, random: Callable[[], float]) -> float:
    """Seconds before the next try after `attempts` failures: doubling up to a minute, spread over its upper half."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(attempts - 1, 10))
    return longest * (0.5 + 0.5 * random())


@dataclass(frozen=True, slots=True)
class Pace:
    """About one call in `interval` seconds, with a burst of `burst` after a rest."""

    interval: float = 1.0
    burst: int = 3

    def spend(self, booked: float, now: float) -> float:
        """Book one call: the new time until which the channel is booked, given the old one."""
        return max(booked, now) + self.interval

    def free_at(self, booked: float) -> float:
        """When the next call may go."""
        return booked - (self.burst - 1) * self.interval
