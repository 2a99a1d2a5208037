"""The form of a change: while it loads, to fill in, while it is checked, and its outcome. No I/O."""

from collections.abc import Iterator, Sequence

from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import actions, button, clip, context, divider, escape, plain, section
from bot.views.containers import titles_only, unfolded
from bot.views.inputs import Ask, Choice, choose, tick, typed
from bot.views.plain_forms import without_tables

CALLBACK = "cmbot_change:1"
"""The form and its version, to recognise a form that an older version of cmbot opened."""
KIND, CLUSTER = "form:kind", "form:cluster"
"""The action ids of the two choices that decide which fields follow."""
CHECK = "form:check"
"""The action id of the button that checks the form as it is filled in now."""
FIELD = "field:"
"""The prefix of the action id of each field."""
MAX_TITLE = 24
MAX_BLOCKS = 100
GIVEN_LOST = "What you typed is too long to be kept until the cluster is chosen: fill it in again then."
NOT_OPERATED = "You operate none of the configured clusters. /cm whoami shows your roles."
_NOT_IN_MODALS = frozenset({"data_table", "data_visualization", "markdown"})


@frozen
class FormField:
    """One argument of a change as the form asks for it.

    A field with `choices` is a select, a `flag` is a checkbox, any other is a text input. A choice is cleared when `of`
    (a cluster) changes; typed text is kept when the kind or the cluster changes. A choice or a typed character of a
    `live` one is reported at once.
    """

    name: str
    label: str
    hint: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    flag: bool = False
    most: int = 3000
    value: str = ""
    of: str = ""
    live: bool = False


@frozen
class FormWording:
    """The title of a form, its two buttons, and what follows when it is sent."""

    title: str
    submit: str
    follows: str
    close: str = "Not now"


@frozen
class Form:
    """The content of the form; `sealed` is its signed private metadata, `notes` are plain text.

    `wording` is that of a form without a card, None for a change that makes one. `asks` are the choices that come
    first: of the change, of the cluster. `outcome` is what came of the form the last time, and stands above the fields.
    `found` is what a check finds while they are filled in, and stands below: no field moves. `nothing` says that there
    is nothing to choose from: then the form has no fields and cannot be sent.
    """

    kinds: Sequence[Choice]
    kind: str
    clusters: Sequence[Choice]
    cluster: str
    entries: Sequence[FormField] = ()
    notes: Sequence[str] = ()
    sealed: str = ""
    wording: FormWording | None = None
    outcome: Message | None = None
    found: Message | None = None
    asks: frozenset[str] = frozenset({KIND, CLUSTER})
    nothing: str = ""


def form(shown: Form) -> JsonObject:
    """Render the form to fill in; without a kind or a cluster that it asks for it asks for these only."""
    words = shown.wording or _OF_A_CARD
    if shown.nothing:
        return _modal(words.title, [*_outcome(shown.outcome), section(escape(shown.nothing))], close="Close")
    blocks = [*_outcome(shown.outcome), *_choices(shown), *(context(escape(note)) for note in shown.notes)]
    if shown.kind and (shown.cluster or CLUSTER not in shown.asks):
        blocks += [_entry(entry) for entry in shown.entries]
        if shown.wording is None:
            blocks.append(actions(button("Check now", CHECK, shown.cluster)))
        if shown.found is not None:
            blocks += _fitting(titles_only(shown.found), _MAX_OUTCOME)
        blocks.append(context(words.follows))
    return _modal(words.title, blocks, submit=words.submit, sealed=shown.sealed, close=words.close)


def _choices(shown: Form) -> Iterator[BlockJson]:
    """Yield the choices that decide which fields follow."""
    asked = {KIND: ("Change", shown.kind, shown.kinds), CLUSTER: ("Cluster", shown.cluster, shown.clusters)}
    for name, (label, value, choices) in asked.items():
        if name in shown.asks:
            yield choose(Ask(name, name, label, required=True, value=value, at_once=True), choices)


_MAX_OUTCOME = 40
"""Blocks of an outcome: the fields need room too."""


def _outcome(said: Message | None) -> Iterator[BlockJson]:
    if said is None:
        return
    yield from _fitting(said, _MAX_OUTCOME)
    yield divider()


_OF_A_CARD = FormWording(
    "Change a cluster",
    "Check and propose",
    "cmbot checks the change and posts a card in the cluster's operations channel. "
    "Nothing is sent to the cluster before the card is approved.",
    "Cancel",
)
_LONG = frozenset({"reason", "text"})
"""Fields with several lines."""


def _entry(entry: FormField) -> BlockJson:
    name = f"{FIELD}{entry.name}"
    # A choice for one cluster is not kept for another: the block id names the cluster.
    block_id = f"{name}:{entry.of}:{'choose' if entry.choices else 'type'}"[:255]
    ask = Ask(block_id, name, entry.label, entry.hint, entry.required, entry.value, at_once=entry.live)
    if entry.flag:
        return tick(ask)
    if entry.choices:
        return choose(ask, entry.choices)
    return typed(ask, most=entry.most, multiline=entry.name in _LONG)


def loading(what: str = "") -> JsonObject:
    """Render the modal that is shown while the cluster is read."""
    return _modal("One moment", [section(f"⏳ Reading {escape(what or 'what can be changed')} …")])


def being_checked() -> Message:
    """Say below the fields that the checks run; they go on while the form is filled in."""
    text = "⏳ The checks run for what is filled in now. You may go on."
    return Message(text, (context(text),))


def incomplete() -> Message:
    """Say below the fields that too little is filled in for a check."""
    text = "Fill in the required fields first, then the change can be checked."
    return Message(text, (context(text),))


_ANYWAY = "You may close this: you get the answer anyway."


def checking(cluster: str) -> JsonObject:
    """Render the modal that is shown while the change is checked; to close it changes nothing."""
    notice = f"⏳ Checking the change against the present state of {escape(cluster)}. This takes some seconds."
    return _modal("Being checked", [section(notice), context(_ANYWAY)])


def being_done() -> JsonObject:
    """Render the modal that is shown while something takes effect that needs no check of a cluster."""
    return _modal("One moment", [section("⏳ cmbot is doing this."), context(_ANYWAY)])


def notice(message: Message, title: str = "cmbot") -> JsonObject:
    """Render a message in a modal, such as the outcome of a form."""
    return _modal(title, list(_fitting(message)), close="Close")


def _fitting(message: Message, most: int = MAX_BLOCKS) -> Iterator[BlockJson]:
    if not message.blocks:
        yield section(message.text)
    plainer = tuple(unfolded(without_tables(message).blocks))
    fitting = [block for block in plainer if block["type"] not in _NOT_IN_MODALS]
    yield from fitting[: most - 1]
    left = len(plainer) - len(fitting[: most - 1])
    if left:
        yield context(f"… and {left} more parts that a modal cannot show: type the command to see all.")


def _modal(
    title: str, blocks: Sequence[BlockJson], *, submit: str = "", sealed: str = "", close: str = "Close"
) -> JsonObject:
    more = {"submit": _plain(submit), "callback_id": CALLBACK, "private_metadata": sealed} if submit else {}
    return {"type": "modal", "title": _plain(title), "close": _plain(close), "blocks": list(blocks), **more}


def _plain(text: str) -> JsonObject:
    return {"type": "plain_text", "text": clip(plain(text), MAX_TITLE), "emoji": True}
