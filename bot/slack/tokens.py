"""Tokens as they are written, judged without a call: missing, swapped, malformed, or a placeholder. Pure."""

import re
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one token as it is written, and what to do about it."""

    what: str
    words: str
    mend: str

    @property
    def sentence(self) -> str:
        """Both in one line."""
        return f"{self.what}: {self.words}; {self.mend}."


def bot_fault(token: str) -> Fault | None:
    """What is wrong with the bot token; None when only Slack can tell."""
    mend = f"set {_BOT} to the xoxb- token of the app's page (OAuth & Permissions)"
    if not token:
        return Fault("bot token", f"the environment variable {_BOT} is not set", mend)
    if token.startswith("xapp-"):
        return Fault("bot token", f"{_BOT} takes the token that begins with xoxb-", _SWAPPED)
    return _malformed("bot token", _BOT, token, _BOT_SHAPE, mend)


def delivery_fault(app_token: str, signing_secret: str) -> Fault | None:
    """What is wrong with the app token, or without one with the signing secret; None when only Slack can tell."""
    if app_token:
        if _BOT_SHAPE.match(app_token):
            return Fault("app token", f"{_APP} takes the token that begins with xapp-", _SWAPPED)
        mend = f"set {_APP} to the xapp- token of the app's page (Basic Information, App-Level Tokens)"
        return _malformed("app token", _APP, app_token, _APP_SHAPE, mend)
    mend = f"set {_SIGNING} to the Signing Secret of the app's page (Basic Information)"
    if not signing_secret:
        both = f"set {_APP} (Socket Mode), or {_SIGNING} (HTTP)"
        return Fault("app token", "neither an app token nor a signing secret is set", both)
    if _PREFIX.match(signing_secret):
        return Fault("signing secret", f"{_SIGNING} holds a token", mend)
    return _malformed("signing secret", _SIGNING, signing_secret, _SIGNING_SHAPE, mend)


def _malformed(what: str, variable: str, value: str, shape: re.Pattern[str], mend: str) -> Fault | None:
    if _PLACEHOLDER.search(_PREFIX.sub("", value)):
        return Fault(what, f"{variable} is a placeholder, not a value of your app", mend)
    if value[0] in "'\"`" or value[-1] in "'\"`":
        return Fault(what, f"{variable} has quotes around it", "take them away: they became part of the value")
    if shape.fullmatch(value) is None:
        return Fault(what, f"{variable} does not have the form of {_A[what]}", mend)
    return None
