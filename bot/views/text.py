"""Text for Slack: escaping, visible cutting, and the formats of times, sizes, shares and durations. No I/O."""

import math
import re
import unicodedata
from datetime import UTC, datetime

from bot.common.frozen import frozen
from bot.common.text import count, duration, percent

__all__ = [
    "bar",
    "clean",
    "clip",
    "code",
    "count",
    "date",
    "duration",
    "escape",
    "harmless_code",
    "percent",
    "plain",
    "pre",
    "size",
    "utc",
]

DATE_STYLES = {
    "full": "{date_short_pretty} at {time_secs}",
    "minute": "{date_short_pretty} at {time}",
    "time": "{time_secs}",
    "day": "{date_short_pretty}",
}
"""Placeholders of Slack for dates, by the name of the style."""

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
MAX_ESCAPED = 5
"""Characters that one character becomes at most when it is escaped: `&` becomes `&amp;`."""
_ANGLES = str.maketrans({"<": "\u2039", ">": "\u203a"})
_DATE_MARK = "<!date^"
_LATEST = 9_999_999_999
_DATE = re.compile(rf"<!date\^(\d{{1,10}})\^({'|'.join(map(re.escape, DATE_STYLES.values()))})\|[^<>|]*>")
_GRAVE = "\u02cb"
_PRINTABLE = re.compile(r"[ -~]*")
_TAIL = re.compile(r"<[^<>]*$|&[a-z]{0,4}$")
_HARMLESS = re.compile(r"[A-Za-z0-9._:/\[\]-]+")
_MAX_CODE = 40
_FENCE = "```"
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that no font shows although Unicode counts them as visible: two host names could look the same."""


def clean(text: str) -> str:
    """Return one line of visible characters: line breaks become spaces, control characters are removed."""
    if _PRINTABLE.fullmatch(text):
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in "\n\r\t\u2028\u2029":
        return " "
    return "" if char in _BLANK or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} else char


@frozen
class Date:
    """A date as `date` writes it: Unix seconds, and a format of DATE_STYLES."""

    at: int
    format: str

    @property
    def utc(self) -> str:
        """The date in UTC, where the zone of the reader is not known."""
        return utc(self.at)

    def __str__(self) -> str:
        return f"<!date^{self.at}^{self.format}|{self.utc}>"


def dated(text: str) -> tuple[str | Date, ...]:
    """Split a text at its dates; only what `date` writes is one, so that foreign text can show nothing else as one."""
    if _DATE_MARK not in text:
        return (text,)
    found: list[str | Date] = []
    end = 0
    for match in _DATE.finditer(text):
        one = Date(int(match[1]), match[2])
        if str(one) == match[0]:
            found += [text[end : match.start()], one]
            end = match.end()
    return tuple(part for part in (*found, text[end:]) if part)


def escape(text: object) -> str:
    """Make foreign text safe in mrkdwn: one line without mentions and links; dates that `date` wrote stay."""
    parts = dated(clean(str(text)))
    return "".join(str(part) if isinstance(part, Date) else part.translate(_ENTITIES) for part in parts)


def plain(text: object) -> str:
    """Make foreign text safe where Slack takes plain text (headers, buttons, table cells); dates become UTC."""
    parts = dated(clean(str(text)))
    return "".join(part.utc if isinstance(part, Date) else part.translate(_ANGLES) for part in parts)


def code(text: object) -> str:
    """Return foreign text as inline code."""
    inner = escape(text).replace("`", _GRAVE).strip()
    return f"`{inner or ' '}`"


def in_ticks(text: str) -> str:
    """Text from outside in code marks, not escaped; no backtick in it can end the code."""
    return f"`{text.replace('`', chr(39))}`"


def harmless_code(text: str) -> str:
    """Return foreign text as code, cut to 40 characters; text that a chat could act on is not repeated."""
    if not _HARMLESS.fullmatch(text):
        return "the given text" if text else "nothing"
    return f"`{text}`" if len(text) <= _MAX_CODE else f"`{text[:_MAX_CODE]}…`"


def pre(text: str) -> str:
    """Return foreign text as a code block with its line breaks; no backtick in the text can end the block."""
    lines = [escape(line).replace("`", _GRAVE) for line in text.split("\n")]
    return f"{_FENCE}\n{chr(10).join(lines)}\n{_FENCE}"


def clip(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters and say so: by whole lines if there are several, else by characters."""
    if len(text) <= limit:
        return text
    lines = text.split("\n")
    return (_clip_lines(lines, limit) if len(lines) > 1 else None) or _clip_characters(text, limit)


def _clip_lines(lines: list[str], limit: int) -> str | None:
    room = limit - len(f"\n{_FENCE}\n… and {len(lines):,} more lines")
    kept = 0
    while kept < len(lines) and (room := room - len(lines[kept]) - 1) >= 0:
        kept += 1
    body = "\n".join(lines[:kept])
    if not body.strip("`\n "):
        return None
    fence = f"\n{_FENCE}" if body.count(_FENCE) % 2 else ""
    return f"{body}{fence}\n… and {count(len(lines) - kept, 'more line')}"


def _clip_characters(text: str, limit: int) -> str:
    note = f"… ({len(text):,} characters)"
    note = note if len(note) < limit // 2 else "…"
    body = _TAIL.sub("", text[: max(0, limit - len(note) - len(_FENCE))])
    return f"{body}{_FENCE if body.count(_FENCE) % 2 else ''}{note}"


def utc(at: float) -> str:
    """Return `at` (Unix seconds) in UTC, to the second."""
    return datetime.fromtimestamp(_shown(at), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _shown(at: float) -> int:
    """Return `at` as far as Slack shows a date: from 1970 to 2286."""
    return int(min(max(at, 0), _LATEST)) if at == at else 0  # noqa: PLR0124 - what is not a number equals nothing


def date(at: float, style: str = "full") -> str:
    """Return `at` (Unix seconds) in the time zone of each reader, with UTC as fallback; see DATE_STYLES."""
    return str(Date(_shown(at), DATE_STYLES[style]))


def size(amount: int) -> str:
    """Return bytes in powers of 1,024: `608.8 GiB`."""
    value = float(amount)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(value) < 1023.95:  # noqa: PLR2004 - what would round up to 1,024.0
            return f"{amount:,} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} EiB"


def bar(fraction: float, width: int) -> str:
    """Return a bar of `width` characters, filled to `fraction` (cut to 0..1); a share above 0 fills at least one."""
    share = min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else 0.0
    filled = max(1, math.floor(share * width)) if share > 0 else 0
    return "█" * filled + "░" * (width - filled)
