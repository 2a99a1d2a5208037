"""The structure of rich_text blocks and cells (Slack's reference)."""

from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.shapes import Check, Findings, array, by_type, flag, number, one_of, shape, string

_STYLE = shape({"bold": flag, "italic": flag, "strike": flag, "code": flag, "underline": flag})
_LEAVES: Mapping[str, Check] = {
    "text": shape({"text": string(12000), "style": _STYLE}, ("text",)),
    "link": shape({"url": string(3000), "text": string(3000), "style": _STYLE, "unsafe": flag}, ("url",)),
    "emoji": shape({"name": string(100), "unicode": string(100)}, ("name",)),
    "user": shape({"user_id": string(20), "style": _STYLE}, ("user_id",)),
    "usergroup": shape({"usergroup_id": string(20), "style": _STYLE}, ("usergroup_id",)),
    "channel": shape({"channel_id": string(20), "style": _STYLE}, ("channel_id",)),
    "broadcast": shape({"range": one_of("here", "channel", "everyone")}, ("range",)),
    "date": shape(
        {"timestamp": number(whole=True), "format": string(200), "url": string(3000), "fallback": string(200)},
        ("timestamp", "format"),
    ),
}
_LEAF = by_type(_LEAVES, "rich text element")
_SECTION = shape({"elements": array(_LEAF, 1000, 0)}, ("elements",))
_PARTS: Mapping[str, Check] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": shape(
        {"elements": array(_LEAF, 1000, 0), "border": number(0, 1, whole=True), "language": string(50)}, ("elements",)
    ),
    "rich_text_quote": shape({"elements": array(_LEAF, 1000, 0), "border": number(0, 1, whole=True)}, ("elements",)),
    "rich_text_list": shape(
        {
            "style": one_of("bullet", "ordered"),
            "elements": array(by_type({"rich_text_section": _SECTION}, "list item"), 1000),
            "indent": number(0, 8, whole=True),
            "offset": number(0, whole=True),
            "border": number(0, 1, whole=True),
        },
        ("style", "elements"),
    ),
}
PARTS: Check = array(by_type(_PARTS, "rich text part"), 100, 0)


def length(value: Any) -> int:
    """How many characters of text a rich text value holds."""
    if isinstance(value, dict):
        return sum(
            len(held) if key == "text" and isinstance(held, str) else length(held) for key, held in value.items()
        )
    return sum(length(item) for item in value) if isinstance(value, list) else 0


def cell(kinds: Mapping[str, Check], total: str) -> Check:
    """A table cell of one of these kinds, its text counted in `total`."""
    chosen = by_type(kinds, "cell")

    def check(value: Any, path: str, found: Findings) -> None:
        chosen(value, path, found)
        found.add(total, length(value))

    return check
