"""Retry policy of the outbox: what each error of Slack means, when to retry, how fast to post. No I/O.

`FINAL_CODES` are final: the same call is never made again. `RETRIED_IN_ORDER` are retried until they pass, and later
messages wait. Any other code is retried `MAX_UNKNOWN_TRIES` times, about a day. Source of the codes: the error tables
on Slack's pages of chat.postMessage, chat.update and chat.delete.
"""

from collections.abc import Callable
from enum import Enum

from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.common.frozen import frozen

TOKEN_REJECTED = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "no_permission",
        "missing_scope",
        "access_denied",
        "org_login_required",
        "ekm_access_denied",
        "two_factor_setup_required",
        "team_access_not_granted",
        "forbidden_team",
        "app_not_installed",
    }
)
"""Codes that reject a token or the app behind it (docs.slack.dev, errors of auth.test and apps.connections.open)."""

_OF_WORKSPACE = frozenset({"team_access_not_granted"})
"""Codes of an app whose organisation has not granted it the workspace of the channel."""

RETRIED_AFTER_FIX = (
    TOKEN_REJECTED
    | {
        "accesslimited",
        "app_access_restricted",
        "deprecated_endpoint",
        "method_deprecated",
        "enterprise_is_restricted",
    }
) - _OF_WORKSPACE
"""Codes of a faulty installation: no message can be sent until a person fixes it, then each one is sent."""

FINAL_IN_CHANNEL = _OF_WORKSPACE | frozenset(
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
"""Final: the channel takes no message until a person changes it. A fallback channel may take the message."""

FINAL_WITH_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch", "too_many_contact_cards"}
)
"""Final with these blocks; the fallback text alone may pass."""

FINAL_FOR_EDIT = frozenset({"edit_window_closed", "cant_update_message", "cant_broadcast_message"})
"""Final for an edit; a new message can be posted in place of the old one."""

FINAL_FOR_DELETE = frozenset({"cant_delete_message", "compliance_exports_prevent_deletion"})
"""Final for the deletion of a message."""

FINAL_FOR_REPLY = frozenset(
    {
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_locked",
        "cannot_reply_to_message",
    }
)
"""Final for a reply in the thread; its channel still takes messages."""

FINAL_FOR_MESSAGE = frozenset(
    {
        "messages_tab_disabled",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
        "attachment_payload_limit_exceeded",
        "as_user_not_supported",
        "invalid_arguments",
        "invalid_arg_name",
        "invalid_array_arg",
        "invalid_attachments",
        "invalid_charset",
        "invalid_form_data",
        "invalid_post_type",
        "missing_post_type",
        "metadata_too_large",
        "metadata_must_be_sent_with_text",
        "metadata_must_be_sent_from_app",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "markdown_text_conflict",
        "no_dual_broadcast_content_update",
        "slack_connect_file_link_sharing_blocked",
    }
)
"""Final: Slack refuses the message itself."""

FINAL_CODES = (
    FINAL_IN_CHANNEL
    | FINAL_WITH_BLOCKS
    | FINAL_FOR_EDIT
    | FINAL_FOR_DELETE
    | FINAL_FOR_REPLY
    | FINAL_FOR_MESSAGE
    | {"thread_not_found"}
)
"""All final codes: Slack would refuse the same call again."""

MESSAGE_DELETED = frozenset({"message_not_found"})
"""Code of a message that a person deleted: an open subject is posted again, any other is given up."""

PARENT_DELETED = frozenset({"thread_not_found", "message_not_found"})
"""Codes of a reply whose parent message a person deleted."""

RETRIED_MAYBE_SENT = frozenset({"internal_error", "fatal_error"})
"""Retried codes after which the message may exist: "some aspect of the operation may have succeeded" (reference page of
chat.postMessage)."""

RETRIED_IN_ORDER = RETRIED_AFTER_FIX | frozenset(
    {
        "ratelimited",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "unreachable",
        "proxy_unreachable",
        "proxy_refused",
        "untrusted_certificate",
        "tls_failed",
        "redirected",
        "timeout",
        "connection_lost",
        "bad_answer",
        "claim_expired",
        "internal_error",
        "fatal_error",
        "",
    }
)
"""Retried codes that concern every message: later messages wait as well, so that their order is kept."""

STUBBORN_TRIES = 3
"""Tries after which a message that Slack refuses with any other code is named in `/readyz` and blocks no other."""
CRASHED = "crashed"
MAX_CRASHES = 5
"""Tries of a message at which this program itself fails."""
MAX_UNKNOWN_TRIES = 300
"""Tries after a code that is in none of the sets: about a day, five minutes apart."""
_EARLY_TRIES = 20
"""The first of these tries, within about eight minutes: most passing faults end by then."""

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_LONGEST_EARLY_WAIT = 30.0
_LONGEST_UNKNOWN_WAIT = 300.0
_AUTH_WAIT = 30.0
_LOST_WAIT = 2.0


class RetryScope(Enum):
    """What must wait besides the row: nothing, the posts of its channel, all edits, or everything."""

    ROW = "row"
    CHANNEL = "channel"
    EDITS = "edits"
    ALL = "all"


@frozen
class RetryDecision:
    """The answer to a failure: seconds until the next try (None: never), what else waits, if Slack may have done it."""

    wait: float | None
    hold: RetryScope
    maybe_sent: bool


def decide(
    error: SlackError, *, method: str, attempts: int, maybe_sent: bool, random: Callable[[], float]
) -> RetryDecision:
    """Decide when to retry a failed `method` (find, post, update, delete) of a row after `attempts` attempts.

    `maybe_sent` is set if an earlier post of the row may exist; `random` returns numbers in [0, 1).
    """
    doubtful = _unsure(error) if method == "post" else maybe_sent
    if error.code in RETRIED_AFTER_FIX:
        return RetryDecision(max(_AUTH_WAIT, back_off(attempts, random)), RetryScope.ALL, doubtful)
    if error.code in FINAL_CODES or _given_up(error, attempts):
        return RetryDecision(None, RetryScope.ROW, doubtful)
    early = _LONGEST_EARLY_WAIT if attempts <= _EARLY_TRIES else _LONGEST_UNKNOWN_WAIT
    wait = back_off(attempts, random, _LONGEST_WAIT if _passes(error) else early)
    if isinstance(error, SlackRetryable):
        limited = "ratelimited" in error.code.replace("_", "")
        asked = error.retry_after * (1 + 0.1 * random())
        hold = (
            {"post": RetryScope.CHANNEL, "find": RetryScope.ROW}.get(method, RetryScope.EDITS)
            if limited
            else RetryScope.ROW
        )
        return RetryDecision(asked if limited else max(asked, wait), hold, doubtful)
    return RetryDecision(max(_LOST_WAIT, wait) if doubtful else wait, RetryScope.ROW, doubtful)


def cannot_be_reached(error: SlackError) -> bool:
    """True if Slack did not answer, or takes no message at all until a person fixes the installation."""
    return error.code in RETRIED_IN_ORDER and error.code != "ratelimited"


def _unsure(error: SlackError) -> bool:
    return isinstance(error, SlackLost) or error.code in RETRIED_MAYBE_SENT


def _passes(error: SlackError) -> bool:
    """True if the error passes without a change of ours."""
    return isinstance(error, SlackRetryable) or _unsure(error) or error.code in RETRIED_IN_ORDER


def _given_up(error: SlackError, attempts: int) -> bool:
    return not _passes(error) and attempts >= (MAX_CRASHES if error.code == CRASHED else MAX_UNKNOWN_TRIES)


def back_off(attempts: int, random: Callable[[], float], longest: float = _LONGEST_WAIT) -> float:
    """Return the seconds before the next try: they double up to `longest`, with jitter over the upper half."""
    longest = min(longest, _FIRST_WAIT * 2.0 ** min(attempts - 1, 10))
    return longest * (0.5 + 0.5 * random())


@frozen
class RateLimit:
    """One call in `interval` seconds, and up to `burst` calls at once after a pause."""

    interval: float = 1.0
    burst: int = 3

    def spend(self, booked: float, now: float) -> float:
        """Book one call; returns the time until which the channel is booked."""
        return max(booked, now) + self.interval

    def free_at(self, booked: float) -> float:
        """Return the time of the next call."""
        return booked - (self.burst - 1) * self.interval
