"""/cm help: groups of commands, all commands, or one in full. No I/O; the texts come from the commands."""

import json
from collections.abc import Sequence

from bot.common.frozen import frozen
from bot.common.text import listed
from bot.interactions.events import HELP_GROUP
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import button, code, context, count, escape, message, section

PER_SECTION = 12
_MAX_CLUSTERS = 20


@frozen
class HelpTopic:
    """One command; `arguments` are pairs of usage and description."""

    name: str
    usage: str
    summary: str
    who: str
    arguments: tuple[tuple[str, str], ...] = ()
    examples: tuple[str, ...] = ()
    notes: str = ""
    manual: str = ""


@frozen
class HelpGroup:
    """Commands for one purpose; `name` is the word behind /cm help."""

    name: str
    title: str
    topics: tuple[HelpTopic, ...]


def groups(found: Sequence[HelpGroup], clusters: Sequence[str]) -> Message:
    """Render the groups, one a paragraph, each with a button that lists its commands."""
    text = "cmbot operates CubeFS Clustermgr clusters from Slack. Begin with `/cm stat`."
    paragraphs = [section(f"*{escape(text)}*")]
    for group in found:
        names = " ".join(code(topic.name.partition(" ")[2]) for topic in group.topics)
        show = button("Show", f"{HELP_GROUP}{group.name}", json.dumps({"group": group.name}))
        paragraphs.append(
            section(f"*{escape(group.title)}* · `/cm help {escape(group.name)}`\n{names}", accessory=show)
        )
    return message(text, *paragraphs, _foot(clusters, "All of them with their arguments: `/cm help all`. "))


def overview(topics: Sequence[HelpTopic], clusters: Sequence[str], group: str = "") -> Message:
    """Render all commands, one a line, or those of a `group`."""
    lines = [f"{code(topic.usage)}\n      {escape(topic.summary)}{_only(topic)}" for topic in topics]
    chunks = [lines[start : start + PER_SECTION] for start in range(0, len(lines), PER_SECTION)]
    number = count(len(topics), "command")
    text = f"cmbot operates CubeFS Clustermgr clusters from Slack with {number}."
    if group:
        text = f"{escape(group)}: {number}. `/cm help all` lists all commands."
    return message(text, section(f"*{text}*"), *(section("\n".join(chunk)) for chunk in chunks), _foot(clusters))


def _foot(clusters: Sequence[str], first: str = "") -> BlockJson:
    known = listed(map(code, clusters), most=_MAX_CLUSTERS) or "none"
    return context(
        f"{first}One command in full: {code('/cm help <command>')}. "
        "Write the cluster after the words and before `key=value`. "
        "Leave it out if the channel has a default cluster or only one is configured.",
        f"Clusters: {known}",
    )


def _only(topic: HelpTopic) -> str:
    return "" if topic.who == "everyone" else f" _({escape(topic.who)} only)_"


def details(topic: HelpTopic, docs_url: str = "") -> Message:
    """Render one command: usage, arguments, examples, and a link to its page if the manual is served."""
    blocks = [section(f"*{escape(topic.name)}*: {escape(topic.summary)}\n{code(topic.usage)}")]
    if topic.arguments:
        shown_arguments = [f"{code(written)} {escape(describes)}" for written, describes in topic.arguments]
        blocks.append(section("*Arguments*\n" + "\n".join(shown_arguments)))
    if topic.examples:
        blocks.append(section("*For example*\n" + "\n".join(code(example) for example in topic.examples)))
    if topic.notes:
        blocks.append(section(escape(topic.notes)))
    text = f"{escape(topic.name)}: {escape(topic.summary)} Usage: {escape(topic.usage)}"
    more = (
        [f"More: <{escape(docs_url.rstrip('/'))}/{topic.manual}|{topic.manual}>"] if topic.manual and docs_url else []
    )
    return message(text, *blocks, context(f"For {escape(topic.who)}.", *more))
