"""Slack's mrkdwn as text of a terminal: emphasis, code, links, people, dates. No I/O.

Text comes out as `rich.text.Text` without markup and without control characters, so that nothing of a cluster can
steer the terminal.
"""

import re
import time

from rich.text import Text

from bot.views.text import clean

TERMINAL_COMMANDS = ("stat", "members", "disks", "disk", "tasks", "risk", "ops", "alerts", "clusters")
"""The commands that the terminal has too."""

_COMMAND = re.compile(
    rf"/cm (?=(?:{'|'.join(TERMINAL_COMMANDS)})(?![\w-]))(?!disk (?:readonly|writable|broken|offline))"
)
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_DATE = re.compile(r"<!date\^(\d{1,10})\^([^|<>]*)\|([^<>]*)>")
_MARK = re.compile(
    r"(?P<date><!date\^\d{1,10}\^[^|<>]*\|[^<>]*>)"
    r"|<(?P<sigil>[@#!])(?P<id>[^<>|]*)(?:\|(?P<name>[^<>]*))?>"
    r"|<(?P<url>https?://[^<>|\s]*)(?:\|(?P<label>[^<>]*))?>"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?P<bold>[^*\n]+)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^_\n]+)_(?![\w_])"
    r"|(?<![\w~])~(?P<gone>[^~\n]+)~(?![\w~])"
)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ENTITY = re.compile("&(?:lt|gt|amp);")
_STYLES = {"bold": "bold", "italic": "italic", "gone": "strike"}


def terminal_words(text: str) -> str:
    """Name the commands that the terminal has as they are typed there: `/cm risk` is `cmbot risk`."""
    return _COMMAND.sub("cmbot ", text)


def plain_lines(text: str) -> str:
    """Return foreign text with its line breaks and without control characters."""
    return "\n".join(clean(line) for line in text.split("\n"))


def local_time(at: float, form: str = "") -> str:
    """Return Unix seconds in the zone of this terminal; `form` is a placeholder of Slack for dates."""
    here = time.localtime(at)
    if form == "{time_secs}":
        return time.strftime("%H:%M:%S %Z", here)
    if form == "{date_short_pretty}":
        return time.strftime("%Y-%m-%d", here)
    seconds = ":%S" if "secs" in form or not form else ""
    return time.strftime(f"%Y-%m-%d %H:%M{seconds} %Z", here)


def from_mrkdwn(text: str, style: str = "") -> Text:
    """Return mrkdwn as text of a terminal."""
    shown = Text(style=style)
    end = 0
    for fence in _FENCE.finditer(text):
        _inline(shown, text[end : fence.start()], "")
        shown.append(plain_lines(_decoded(fence[1])), "dim" if not style else "")
        end = fence.end()
    _inline(shown, text[end:], "")
    return shown


def _inline(shown: Text, text: str, style: str) -> None:
    end = 0
    for match in _MARK.finditer(text):
        shown.append(_words(text[end : match.start()]), style)
        _marked(shown, match, style)
        end = match.end()
    shown.append(_words(text[end:]), style)


def _marked(shown: Text, match: re.Match[str], style: str) -> None:
    group = match.lastgroup or ""
    if match["date"]:
        shown.append(_date(match["date"]), style)
    elif match["sigil"]:
        sigil = "@" if match["sigil"] == "!" else match["sigil"]
        shown.append(_words(f"{sigil}{match['name'] or match['id']}"), f"{style} cyan".strip())
    elif match["url"]:
        label = match["label"]
        shown.append(_words(f"{label} ({match['url']})" if label else match["url"]), style)
    elif match["code"]:
        shown.append(_words(match["code"]), f"{style} cyan".strip())
    else:
        _inline(shown, match[group], f"{style} {_STYLES[group]}".strip())


def _date(mark: str) -> str:
    match = _DATE.fullmatch(mark)
    return local_time(int(match[1]), match[2]) if match else ""


def _decoded(text: str) -> str:
    return _ENTITY.sub(lambda match: _ENTITIES[match[0]], text)


def _words(text: str) -> str:
    return plain_lines(terminal_words(_decoded(text)))
