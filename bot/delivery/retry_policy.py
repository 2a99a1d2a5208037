"""Retry policy of the outbox: what each error of Slack means, when to retry, how fast to post. No I/O.

Source of the codes: the error tables on Slack's pages of chat.postMessage, chat.update and chat.delete. Only a
code that is listed here as final is final; the outbox retries after any other one for hours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bot.common.errors import SlackError, SlackLost, SlackRetryable

REJECTED = frozenset(
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
"""Slack's answers that reject a token or the app behind it (docs.slack.dev, errors of auth.test and
apps.connections.open)."""

_OF_WORKSPACE = frozenset({"team_access_not_granted"})
"""The app is installed for an organisation that has not granted it the workspace of the channel."""

AUTH = (
    REJECTED
    | {
        "accesslimited",
        "app_access_restricted",
        "deprecated_endpoint",
        "method_deprecated",
        "enterprise_is_restricted",
    }
) - _OF_WORKSPACE
"""Nothing can be sent until a person corrects the installation; the message is not at fault."""

CHANNEL = _OF_WORKSPACE | frozenset(
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
"""Nothing can be posted in the channel until a person changes it; each code is final for the message."""

PLAIN = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch", "too_many_contact_cards"}
)
"""The blocks are refused; the fallback text alone may pass."""

NO_EDIT = frozenset({"edit_window_closed", "cant_update_message", "cant_broadcast_message"})
"""The message can never be edited again; a new one can be posted in its place."""

NO_DELETE = frozenset({"cant_delete_message", "compliance_exports_prevent_deletion"})
"""The message can never be deleted."""

NO_REPLY = frozenset(
    {
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_locked",
        "cannot_reply_to_message",
    }
)
"""The thread takes no reply; its channel still takes messages."""

_OURS = frozenset(
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
"""The message itself is refused."""

PERMANENT = CHANNEL | PLAIN | NO_EDIT | NO_DELETE | NO_REPLY | _OURS | {"thread_not_found"}
"""Slack would refuse the same call again."""

DELETED = frozenset({"message_not_found"})
"""A person deleted the message: an open subject is posted again, any other is given up."""

NO_THREAD = frozenset({"thread_not_found", "message_not_found"})
"""A person deleted the message in whose thread the reply belongs."""

UNSURE = frozenset({"internal_error", "fatal_error"})
"""Slack's words for "some aspect of the operation may have succeeded" (chat.postMessage's reference page)."""

GENERAL = AUTH | frozenset(
    {
        "ratelimited",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "unreachable",
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
"""Errors that concern every message: later messages wait as well, so that their order is kept."""

STUBBORN_TRIES = 3
"""Tries after which a message that Slack refuses with any other code is named in `/readyz` and blocks no other."""
CRASHED = "crashed"
CRASHES = 5
"""Tries of a message at which this program itself fails."""
UNKNOWN_TRIES = 300
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


@dataclass(frozen=True, slots=True)
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
    if error.code in AUTH:
        return RetryDecision(max(_AUTH_WAIT, back_off(attempts, random)), RetryScope.ALL, doubtful)
    if error.code in PERMANENT or _given_up(error, attempts):
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


def _unsure(error: SlackError) -> bool:
    return isinstance(error, SlackLost) or error.code in UNSURE


def _passes(error: SlackError) -> bool:
    """True if the error passes without a change of ours."""
    return isinstance(error, SlackRetryable) or _unsure(error) or error.code in GENERAL


def _given_up(error: SlackError, attempts: int) -> bool:
    return not _passes(error) and attempts >= (CRASHES if error.code == CRASHED else UNKNOWN_TRIES)


def back_off(attempts: int, random: Callable[[], float], longest: float = _LONGEST_WAIT) -> float:
    """Return the seconds before the next try: they double up to `longest`, with jitter over the upper half."""
    longest = min(longest, _FIRST_WAIT * 2.0 ** min(attempts - 1, 10))
    return longest * (0.5 + 0.5 * random())


@dataclass(frozen=True, slots=True)
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
