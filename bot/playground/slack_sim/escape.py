"""How Slack escapes what a person typed: mentions, channels, links and the three entities (`should_escape`)."""

import re

from bot.playground.slack_sim.team import Team

_BROADCASTS = frozenset({"here", "channel", "everyone"})
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TOKEN = re.compile(
    r"(?P<link>https?://[^\s<>]+)"
    r"|(?P<mail>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<domain>(?<![\w./:-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)\b(?::\d+)?(?:/[^\s<>]*)?)"
    r"|(?P<user>(?<![\w])@[\w.-]*\w)"
    r"|(?P<channel>(?<![\w])\#[\w-]+)"
    r"|(?P<entity>[&<>])",
    re.ASCII,
)


def entities(text: str) -> str:
    """The three characters that Slack's markup uses, as entities."""
    return "".join(_ENTITIES.get(letter, letter) for letter in text)


def escape_typed(text: str, team: Team) -> str:
    """`@bob` → `<@U..|bob>`, `#ops` → `<#C..|ops>`, `http://x` → `<http://x>`, `&` → `&amp;` (`should_escape`)."""
    return _TOKEN.sub(lambda match: _escaped(match, team), text)


def _escaped(match: re.Match[str], team: Team) -> str:
    kind, found = str(match.lastgroup), match.group()
    if kind == "link":
        return f"<{entities(found)}>"
    if kind == "mail":
        return f"<mailto:{found}|{found}>"
    if kind == "domain":
        return f"<http://{entities(found)}|{entities(found)}>"
    if kind == "user":
        return _mention(found, team)
    if kind == "channel":
        named = next((c for c in team.channels if f"#{c.name}" == found), None)
        return f"<#{named.id}|{named.name}>" if named else found
    return _ENTITIES[found]


def _mention(found: str, team: Team) -> str:
    name = found[1:]
    if name in _BROADCASTS:
        return f"<!{name}>"
    if name == team.bot_name:
        return f"<@{team.bot_user}|{name}>"
    if user := next((user for user in team.users if user.name == name), None):
        return f"<@{user.id}|{name}>"
    group = next((group for group in team.groups if group.handle == name), None)
    return f"<!subteam^{group.id}|@{name}>" if group else found
