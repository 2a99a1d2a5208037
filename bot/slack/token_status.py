"""Token status: asks Slack at the start and once a minute if it accepts the tokens.

A rejected token does not stop the process: it goes on polling, is not ready, and the log and a metric say why.
"""

import asyncio
from collections.abc import Callable

import structlog

from bot.common.errors import SlackError
from bot.delivery.retry_policy import TOKEN_REJECTED
from bot.slack.client import SlackClient
from bot.slack.diagnostics import fix_of
from bot.slack.socket_mode import SocketMode

log = structlog.get_logger(__name__)

ASK_SECONDS = 60
"""Seconds between two checks of the bot token."""
_BOT, _APP = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"

Measure = Callable[[str, bool], None]
"""Called for each token with the name of its variable and True if Slack rejects the token."""


class TokenStatus:
    """The last answer of Slack for each token; `rejected` maps a variable's name to Slack's code."""

    def __init__(self, gateway: SlackClient, socket: SocketMode | None, *, measure: Measure) -> None:
        self._gateway, self._socket, self._measure = gateway, socket, measure
        self._logged: dict[str, str] = {}
        self._bot = ""

    async def run(self) -> None:
        """Ask until cancelled; the token of the socket is checked once a second."""
        while True:
            await self._ask()
            for _ in range(ASK_SECONDS):
                self._note()
                await asyncio.sleep(1.0)

    @property
    def rejected(self) -> dict[str, str]:
        """The tokens that Slack rejects now."""
        code = self._socket.last_code if self._socket is not None and not self._socket.connected else ""
        found = {_BOT: self._bot, _APP: code if code in TOKEN_REJECTED else ""}
        return {variable: why for variable, why in found.items() if why}

    def problem(self) -> str:
        """Return which tokens are rejected and the fix, "" if none is known to be rejected."""
        return " ".join(_sentence(variable, code) for variable, code in self.rejected.items())

    async def _ask(self) -> None:
        try:
            await self._gateway.auth_test()
        except SlackError as error:
            # An unreachable Slack says nothing about the token, so the last answer stays.
            if error.code in TOKEN_REJECTED:
                self._bot = error.code
        else:
            self._bot = ""

    def _note(self) -> None:
        held = self.rejected
        for variable in (_BOT, _APP):
            code = held.get(variable, "")
            self._measure(variable, bool(code))
            if code and code != self._logged.get(variable):
                log.error("slack.rejected", variable=variable, code=code, why=_sentence(variable, code))
            elif not code and self._logged.get(variable):
                log.warning("slack.accepted", variable=variable)
            self._logged[variable] = code


def _sentence(variable: str, code: str) -> str:
    return f"Slack rejects {variable} ({code}): {fix_of(code)}."
