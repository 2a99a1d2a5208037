"""The container block: a few other blocks under a title, which may be folded."""

from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.elements import IMAGE_ELEMENT, block_id, plain
from bot.playground.slack_sim.shapes import Check, Findings, array, by_type, flag, one_of, shape

MAX_CHILDREN = 10
"""Limit of blocks in a container."""
_TITLES = ("title", "rich_text_title")


def _one_title(value: Any, path: str, found: Findings) -> None:
    if sum(name in value for name in _TITLES) != 1:
        found.wrong(path, "exactly one of title and rich_text_title is required")


def _folds(value: Any, path: str, found: Findings) -> None:
    if value.get("default_collapsed") is True and value.get("is_collapsible") is not True:
        found.wrong(f"{path}/default_collapsed", "needs is_collapsible")


def _divided(value: Any, path: str, found: Findings) -> None:
    if value.get("has_header_divider") is True and value.get("is_collapsible") is True:
        found.wrong(f"{path}/has_header_divider", "is only for a container that does not fold")


def container(children: Mapping[str, Check], rich: Mapping[str, Check]) -> Check:
    """A container of these kinds of blocks; `rich` are the fields of a rich text title."""
    return shape(
        {
            "block_id": block_id,
            "title": plain(150),
            "rich_text_title": by_type({"rich_text": shape(rich, ("elements",))}, "title"),
            "subtitle": plain(150),
            "child_blocks": array(by_type(children, "block in a container"), MAX_CHILDREN),
            "width": one_of("narrow", "standard", "wide", "full"),
            "icon": by_type({"image": IMAGE_ELEMENT}, "icon"),
            "has_header_divider": flag,
            "is_collapsible": flag,
            "default_collapsed": flag,
        },
        ("child_blocks",),
        (_one_title, _folds, _divided),
    )
