"""Tokens checked without a call: missing, swapped, malformed, or a placeholder. No I/O."""

import re

from bot.common.frozen import frozen

_BOT, _APP, _SIGNING = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"
_A = {"bot token": "a bot token", "app token": "an app token", "signing secret": "a signing secret"}
_PAGE = "see the app's page at api.slack.com/apps"
_SWAPPED = f"the two tokens are swapped, or one was copied twice: {_PAGE}"
_BOT_SHAPE = re.compile(r"(?:xoxe\.)?xoxb-[A-Za-z0-9-]+")
_APP_SHAPE = re.compile(r"xapp-[A-Za-z0-9-]+")
_SIGNING_SHAPE = re.compile(r"[!-~]+")
_PREFIX = re.compile(r"^(?:xox[a-z](?:\.xox[a-z])?|xapp|xwfp)[.-]")
_PLACEHOLDER = re.compile(
    r"…|\.{2,}|[<>{}$*]|^[xX0-]*$"
    r"|(?i:(?<![a-z0-9])(?:your|token|here|change|changeme|placeholder|example|replace|replaceme|todo|dummy"
    r"|paste|insert|put|fill|none|null)(?![a-z0-9]))"
)


@frozen
class Fault:
    """A fault of one token, and its fix."""

    what: str
    words: str
    fix: str

    @property
    def sentence(self) -> str:
        """The fault and its fix in one line."""
        return f"{self.what}: {self.words}; {self.fix}."


def bot_fault(token: str) -> Fault | None:
    """Return the fault of the bot token, None if only Slack can check it."""
    fix = f"set {_BOT} to the xoxb- token of the app's page (OAuth & Permissions)"
    if not token:
        return Fault("bot token", f"the environment variable {_BOT} is not set", fix)
    if token.startswith("xapp-"):
        return Fault("bot token", f"{_BOT} takes the token that begins with xoxb-", _SWAPPED)
    return _malformed("bot token", _BOT, token, _BOT_SHAPE, fix)


def delivery_fault(app_token: str, signing_secret: str) -> Fault | None:
    """Return the fault of the app token, or without one of the signing secret; None if only Slack can check it."""
    if app_token:
        if _BOT_SHAPE.match(app_token):
            return Fault("app token", f"{_APP} takes the token that begins with xapp-", _SWAPPED)
        fix = f"set {_APP} to the xapp- token of the app's page (Basic Information, App-Level Tokens)"
        return _malformed("app token", _APP, app_token, _APP_SHAPE, fix)
    fix = f"set {_SIGNING} to the Signing Secret of the app's page (Basic Information)"
    if not signing_secret:
        both = f"set {_APP} (Socket Mode), or {_SIGNING} (HTTP)"
        return Fault("app token", "neither an app token nor a signing secret is set", both)
    if _PREFIX.match(signing_secret):
        return Fault("signing secret", f"{_SIGNING} holds a token", fix)
    return _malformed("signing secret", _SIGNING, signing_secret, _SIGNING_SHAPE, fix)


def _malformed(what: str, variable: str, value: str, shape: re.Pattern[str], fix: str) -> Fault | None:
    if _PLACEHOLDER.search(_PREFIX.sub("", value)):
        return Fault(what, f"{variable} is a placeholder, not a value of your app", fix)
    if value[0] in "'\"`" or value[-1] in "'\"`":
        return Fault(what, f"{variable} has quotes around it", "remove them: they became part of the value")
    if shape.fullmatch(value) is None:
        return Fault(what, f"{variable} does not have the form of {_A[what]}", fix)
    return None
