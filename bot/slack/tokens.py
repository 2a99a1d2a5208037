"""The form of Slack's tokens: what is missing, swapped, malformed or a placeholder is known before any call. No I/O.

Source: Slack's page "Tokens" (prefixes xoxb-, xapp-; rotated bot tokens begin with xoxe.xoxb-).
"""

import re
from dataclasses import dataclass

_BOT = re.compile(r"(?:xoxe\.)?xoxb-[A-Za-z0-9-]+")
_APP = re.compile(r"xapp-[A-Za-z0-9-]+")
_SECRET = re.compile(r"[A-Za-z0-9]{8,}")
_PLACEHOLDER = re.compile(
    r"(?i)\byour|(?<!\w)example|change-?me|placeholder|replace-?(?:me|this)|x{4,}|0{8,}-0{8,}|\.\.\.|…|[<>{}$*]"
    r"|^(?:token|secret|xxx|abc|test|bot-token|app-token|signing-secret)$"
)

_SEE = "see the app's page at api.slack.com/apps"


@dataclass(frozen=True, slots=True)
class TokenFault:
    """A variable that cannot be right: its name, what is wrong, what to do. The value is never part of it."""

    variable: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.variable} {self.what}: {self.fix}."


def bot_token_fault(token: str) -> TokenFault | None:
    """What is wrong with the bot token by its form alone."""
    if not token:
        fix = "set it to the xoxb- token of the app's page (OAuth & Permissions)"
        return TokenFault("SLACK_BOT_TOKEN", "is not set", fix)
    return _fault("SLACK_BOT_TOKEN", token, _BOT, "xoxb-", ("xapp-",))


def app_token_fault(token: str) -> TokenFault | None:
    """What is wrong with an app token that is set."""
    return _fault("SLACK_APP_TOKEN", token, _APP, "xapp-", ("xoxb-", "xoxe.xoxb-"))


def delivery_fault(app_token: str, signing_secret: str) -> TokenFault | None:
    """What is wrong with the app token, or, without one, with the signing secret."""
    if app_token:
        return app_token_fault(app_token)
    if not signing_secret:
        fix = "set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP"
        return TokenFault("SLACK_APP_TOKEN", "is not set, nor is SLACK_SIGNING_SECRET", fix)
    if signing_secret.startswith(("xoxb-", "xapp-", "xoxe.")):
        return TokenFault(
            "SLACK_SIGNING_SECRET", "holds a token", f"copy the signing secret (Basic Information), {_SEE}"
        )
    if _PLACEHOLDER.search(signing_secret) or not _SECRET.fullmatch(signing_secret):
        return TokenFault(
            "SLACK_SIGNING_SECRET", "is a placeholder or damaged", f"copy the signing secret again, {_SEE}"
        )
    return None


def faults(bot_token: str, app_token: str, signing_secret: str) -> tuple[TokenFault, ...]:
    """Everything that is wrong by its form alone; with these a start is refused."""
    return tuple(filter(None, (bot_token_fault(bot_token), delivery_fault(app_token, signing_secret))))


def _fault(variable: str, token: str, form: re.Pattern[str], prefix: str, others: tuple[str, ...]) -> TokenFault | None:
    if token.startswith(others):
        fix = f"the two tokens are swapped, or one was copied twice, {_SEE}"
        return TokenFault(variable, f"takes the token that begins with {prefix}", fix)
    if not token.startswith(prefix) and form.fullmatch(token) is None:
        return TokenFault(variable, f"takes the token that begins with {prefix}", f"copy it from its place, {_SEE}")
    rest = token.partition("-")[2]
    if _PLACEHOLDER.search(rest):
        return TokenFault(variable, "holds a placeholder", f"put in the real token, {_SEE}")
    if form.fullmatch(token) is None:
        return TokenFault(variable, "holds a damaged token", f"copy the whole token again, {_SEE}")
    return None
