"""Readable text of messages, modals and Home tabs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from bot.interactions.message import BlockJson, Message
from bot.views.charts import as_text as chart_as_text
from bot.views.tables import as_text as table_as_text

_DATE = re.compile(r"<!date\^(\d+)\^[^|>]*\|[^>]*>")

Content = Message | Sequence[BlockJson] | Mapping[str, Any] | str


@dataclass(frozen=True, slots=True)
class Sample:
    """One entry of the page: `state` is its heading, `content` a message, blocks, a modal or plain text."""

    state: str
    content: Content


@dataclass(frozen=True, slots=True)
class Section:
    """The samples of one view."""

    title: str
    samples: tuple[Sample, ...]


def page(head: str, sections: Iterable[Section]) -> str:
    """Return the page in Markdown."""
    lines = [head]
    for section in sections:
        lines += [f"## {section.title}", ""]
        for sample in section.samples:
            lines += [f"**{sample.state}**", "", "```text", *text_of(sample.content).split("\n"), "```", ""]
    return "\n".join(lines)


def text_of(content: Content) -> str:
    """Return what a person reads: mrkdwn kept, escapes undone, buttons in brackets, their dialogs indented."""
    if isinstance(content, str):
        return content
    if isinstance(content, Message):
        shown = [f"({content.text})", *_lines(content.blocks)] if content.blocks else [content.text]
    elif isinstance(content, Mapping):
        shown = [f"= {content['title']['text']} =", *_lines(content["blocks"]), *_modal_buttons(content)]
    else:
        shown = list(_lines(content))
    return _DATE.sub(
        lambda found: f"{datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M:%S}", unescape("\n".join(shown))
    )


def _modal_buttons(modal: Mapping[str, Any]) -> list[str]:
    return [f"[{modal[name]['text']}]" for name in ("submit", "close") if modal.get(name)]


def _lines(blocks: Sequence[BlockJson]) -> Iterator[str]:
    for block in blocks:
        kind = block["type"]
        if kind in {"table", "data_table"}:
            yield from [block["caption"]] if "caption" in block else []
            yield table_as_text(block)
        elif kind == "data_visualization":
            yield chart_as_text(block)
        elif kind == "divider":
            yield "---"
        elif kind == "container":
            yield f"▸ {block['title']['text']} (folded)"
            yield from (f"    {line}" for shown in _lines(block["child_blocks"]) for line in shown.split("\n"))
        elif kind == "input":
            yield from _input(block)
        else:
            parts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ()), block.get("accessory")]
            for part in parts:
                if part:
                    yield from _part(part)


def _input(block: BlockJson) -> Iterator[str]:
    label, hint = block["label"]["text"], (block.get("hint") or {}).get("text", "")
    optional = " (optional)" if block.get("optional") else ""
    yield f"{label}{optional}: {' '.join(_part(block['element']))}{f'  — {hint}' if hint else ''}"


def _part(part: Mapping[str, Any]) -> Iterator[str]:
    """A text object, a button, a menu or a field."""
    kind = part["type"]
    if kind in {"mrkdwn", "plain_text"}:
        yield part["text"]
    elif kind == "button":
        yield f"[{part['text']['text']}]"
        yield from _dialog(part)
    elif "options" in part or "option_groups" in part:
        groups = part.get("option_groups") or [{"options": part["options"]}]
        labels = [option["text"]["text"] for group in groups for option in group["options"]]
        name = (part.get("placeholder") or {}).get("text", "")
        yield f"[{name}: {' | '.join(labels)}]" if name else f"[{' | '.join(labels)}]"
        yield from _dialog(part)
    else:
        yield f"[{(part.get('placeholder') or {}).get('text', kind)}]"


def _dialog(part: Mapping[str, Any]) -> Iterator[str]:
    asked = part.get("confirm")
    if asked:
        yield f"    {asked['title']['text']}"
        yield from (f"    {line}" for line in asked["text"]["text"].split("\n"))
        yield f"    [{asked['confirm']['text']}] [{asked['deny']['text']}]"
