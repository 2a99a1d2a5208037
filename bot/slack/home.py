"""The app's Home tab: the clusters as last looked at, how to ask, and who may change what."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import SlackError
from bot.views.blocks import clip, code, context, count, date, divider, escape, header, section
from bot.views.message import BlockJson
from bot.views.parts import mark_of

log = structlog.get_logger(__name__)

_LINES = 10
"""Clusters in one paragraph: well inside Slack's 3,000 characters."""
_SENTENCE = 150
"""Characters of a verdict."""
_WELL = "healthy"
_NOT_YET = "not looked at yet"

HOW = (
    f"{code('/cm stat <cluster>')} how a cluster does now\n"
    f"{code('/cm clusters')} all clusters as last looked at\n"
    f"{code('/cm help')} every command, {code('/cm help <command>')} one of them\n"
    f"{code('/cm whoami')} what you may do, and why"
)


@dataclass(frozen=True, slots=True)
class Noted:
    """One cluster: what the watch last noted of it (`at`, `level`, `verdict`), or nothing."""

    name: str
    noted: Mapping[str, Any]

    @property
    def level(self) -> str:
        """How it does, in a word."""
        return str(self.noted.get("level") or _NOT_YET)

    @property
    def line(self) -> str:
        """The cluster in a line of mrkdwn; the verdict's sentence when it is not healthy."""
        at = self.noted.get("at")
        when = f", as of {date(float(at), 'minute')}" if at else ""
        sentence = "" if self.level == _WELL else escape(clip(str(self.noted.get("verdict") or ""), _SENTENCE))
        why = f": {sentence}" if sentence else ""
        return f"{mark_of(self.level)} *{escape(self.name)}* {escape(self.level)}{when}{why}"


def home(clusters: Sequence[Noted], standing: Sequence[str]) -> tuple[BlockJson, ...]:
    """The blocks of the tab: what is not healthy stands first; `standing` is what its reader may do (plain text)."""
    shown = sorted(clusters, key=lambda cluster: (cluster.level == _WELL, cluster.name))
    groups = [shown[start : start + _LINES] for start in range(0, len(shown), _LINES)]
    return (
        header("Clusters"),
        section(f"*{_sentence(clusters)}*"),
        *(section("\n".join(cluster.line for cluster in group)) for group in groups[:40]),
        context("As the watch last saw them when you opened this tab."),
        divider(),
        header("How to ask"),
        section(HOW),
        divider(),
        header("What you may do"),
        section("\n".join(f"• {escape(sentence)}" for sentence in standing) or "Nothing is known about that."),
    )


def _sentence(clusters: Sequence[Noted]) -> str:
    if not clusters:
        return "No cluster is configured."
    well = sum(cluster.level == _WELL for cluster in clusters)
    return f"{well} of {count(len(clusters), 'cluster')} {'is' if well == 1 else 'are'} healthy."


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Puts up the tab when somebody opens it."""

    names: Sequence[str]
    remembered: Callable[[str], Mapping[str, Any]]
    describe: Callable[[str], Awaitable[Sequence[str]]]
    publish: Callable[[str, Sequence[BlockJson]], Awaitable[None]]

    async def show(self, user: str) -> None:
        """Publish it for `user`; a failure is logged, the next opening tries again."""
        clusters = [Noted(name, self.remembered(name)) for name in self.names]
        try:
            await self.publish(user, home(clusters, await self.describe(user)))
        except SlackError as error:
            log.warning("home.failed", user=user, error=str(error), code=error.code)
