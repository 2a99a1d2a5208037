"""/cm help: all commands, or one command in full. No I/O; the texts come from the commands."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.common.text import listed
from bot.interactions.message import Message
from bot.views.blocks import code, context, count, escape, message, section

PER_SECTION = 12
_MAX_CLUSTERS = 20


@dataclass(frozen=True, slots=True)
class HelpTopic:
    """One command; `arguments` are pairs of usage and description."""

    name: str
    usage: str
    summary: str
    who: str
    arguments: tuple[tuple[str, str], ...] = ()
    examples: tuple[str, ...] = ()
    notes: str = ""


def overview(topics: Sequence[HelpTopic], clusters: Sequence[str], group: str = "") -> Message:
    """Render all commands, one a line, or those of a `group`."""
    lines = [f"{code(topic.usage)}\n      {escape(topic.summary)}{_only(topic)}" for topic in topics]
    chunks = [lines[start : start + PER_SECTION] for start in range(0, len(lines), PER_SECTION)]
    number = count(len(topics), "command")
    text = f"cmbot operates CubeFS Clustermgr clusters from Slack with {number}."
    if group:
        text = f"{number} of cmbot begin with {escape(group)}. /cm help lists all commands."
    known = listed(map(code, clusters), most=_MAX_CLUSTERS) or "none"
    foot = context(
        "One command in full: `/cm help <command>`. Write the cluster after the words and before `key=value`. "
        "Leave it out if the channel has a default cluster or only one is configured.",
        f"Clusters: {known}",
    )
    return message(text, section(f"*{text}*"), *(section("\n".join(chunk)) for chunk in chunks), foot)


def _only(topic: HelpTopic) -> str:
    return "" if topic.who == "everyone" else f" _({escape(topic.who)} only)_"


def details(topic: HelpTopic) -> Message:
    """Render one command: usage, arguments, examples."""
    blocks = [section(f"*{escape(topic.name)}*: {escape(topic.summary)}\n{code(topic.usage)}")]
    if topic.arguments:
        shown_arguments = [f"{code(written)} {escape(describes)}" for written, describes in topic.arguments]
        blocks.append(section("*Arguments*\n" + "\n".join(shown_arguments)))
    if topic.examples:
        blocks.append(section("*For example*\n" + "\n".join(code(example) for example in topic.examples)))
    if topic.notes:
        blocks.append(section(escape(topic.notes)))
    text = f"{escape(topic.name)}: {escape(topic.summary)} Usage: {escape(topic.usage)}"
    return message(text, *blocks, context(f"For {escape(topic.who)}."))
