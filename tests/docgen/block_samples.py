"""bot/cli/block_samples.jsonl: one sample of each form of each view, for `cmbot check --blocks`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.interactions.message import Message
from tests.docgen.phrasebook.book import sections
from tests.docgen.phrasebook.render import Content

PAGE = Path(__file__).parents[2] / "bot" / "cli" / "block_samples.jsonl"
_KINDS = frozenset({"type", "style", "level"})


def _asked(content: Content) -> tuple[str, Any] | None:
    """What Slack is asked about a sample, None for plain text."""
    if isinstance(content, str) or (isinstance(content, Message) and not content.blocks):
        return None
    if isinstance(content, Message):
        return "message", {"blocks": list(content.blocks)}
    if isinstance(content, Mapping):
        return "view", dict(content)
    return "view", {"type": "home", "blocks": list(content)}


def _form(value: Any) -> Any:
    """The form of a value: its kinds and fields, without its texts, and each form of a list once."""
    if isinstance(value, Mapping):
        return {key: held if key in _KINDS else _form(held) for key, held in sorted(value.items())}
    if isinstance(value, list | tuple):
        found: list[Any] = []
        for each in value:
            if (form := _form(each)) not in found:
                found.append(form)
        return found
    return type(value).__name__


def samples() -> Iterator[str]:
    """Yield the longest sample of each form of each view, one a line."""
    longest: dict[str, tuple[str, str]] = {}
    for section in sections():
        for sample in section.samples:
            if (asked := _asked(sample.content)) is None:
                continue
            kind, value = asked
            line = json.dumps(
                {"name": f"{section.title}: {sample.state}", "kind": kind, "value": value}, ensure_ascii=False
            )
            form = json.dumps([section.title, kind, _form(value)])
            if form not in longest or len(line) > len(longest[form][1]):
                longest[form] = (section.title, line)
    yield from (line for _, line in longest.values())


def page() -> str:
    """Return the file."""
    return "\n".join((*samples(), ""))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
