"""Inputs of a form within Slack's limits: a select, a text input, a checkbox. No I/O."""

from collections.abc import Iterator, Sequence

from slackblocks import CheckboxGroup, InputBlock, Option, OptionGroup, PlainTextInput, StaticSelectMenu, Text, TextType
from slackblocks.elements import Element

from bot.common.frozen import frozen
from bot.interactions.message import BlockJson
from bot.views.blocks import MAX_BUTTON, rendered
from bot.views.text import clip, plain

MAX_OPTIONS = 100
"""Options of one group, and groups of one select."""
MAX_OPTION = 75
MAX_LABEL = 2000
MAX_TYPED = 3000
_TYPED = ("on_enter_pressed", "on_character_entered")
TICKED = "yes"
"""The value of a ticked box."""


@frozen
class Choice:
    """One option: its value (at most 75 characters), its label, and a smaller second line if there is one."""

    value: str
    label: str
    describes: str = ""


@frozen
class Ask:
    """One input: `name` is its action_id, `block` its block_id, by which Slack keeps typed text over a redraw.

    With `at_once` Slack reports each change at once. `value` is the initial value.
    """

    block: str
    name: str
    label: str
    hint: str = ""
    required: bool = False
    value: str = ""
    at_once: bool = False


def choose(ask: Ask, choices: Sequence[Choice]) -> BlockJson:
    """Render a select of up to 10,000 choices, in groups of a hundred if there are more than a hundred."""
    shown = choices[: MAX_OPTIONS * MAX_OPTIONS]
    options = [
        Option(_words(choice.label), choice.value, _words(choice.describes) if choice.describes else None)
        for choice in shown
    ]
    many = len(options) > MAX_OPTIONS
    menu = StaticSelectMenu(
        ask.name,
        options=None if many else options,
        option_groups=list(_groups(options)) if many else None,
        placeholder="Choose",
    )
    block = _input(ask, menu)
    held = next((choice for choice in shown if choice.value == ask.value), None)
    if held is None:
        return block
    # By hand: with groups the library takes no initial option, which Slack wants.
    return {**block, "element": {**block["element"], "initial_option": _as_json(held)}}


def _as_json(choice: Choice) -> BlockJson:
    texts = {"text": choice.label, **({"description": choice.describes} if choice.describes else {})}
    shown = {name: {"type": "plain_text", "text": clip(plain(text), MAX_OPTION) or "-"} for name, text in texts.items()}
    return {**shown, "value": choice.value}


def _words(text: str) -> Text:
    return Text(clip(plain(text), MAX_OPTION) or "-", type_=TextType.PLAINTEXT)


def _groups(options: Sequence[Option]) -> Iterator[OptionGroup]:
    for start in range(0, len(options), MAX_OPTIONS):
        yield OptionGroup(
            f"{start + 1} to {min(start + MAX_OPTIONS, len(options))}", list(options[start:][:MAX_OPTIONS])
        )


def typed(ask: Ask, *, most: int = MAX_TYPED, multiline: bool = False) -> BlockJson:
    """Render a text input of one line or several; with `at_once` each character is reported, and the Enter key."""
    first = clip(ask.value, most) or None
    element = PlainTextInput(ask.name, initial_value=first, multiline=multiline, max_length=min(most, MAX_TYPED))
    block = _input(ask, element)
    if not ask.at_once:
        return block
    # By hand: the library gives the two in a random order, and a view that is drawn again would differ.
    return {**block, "element": {**block["element"], "dispatch_action_config": {"trigger_actions_on": [*_TYPED]}}}


def tick(ask: Ask) -> BlockJson:
    """Render a checkbox: its label is the option, the hint is below."""
    option = Option(_words(ask.label), TICKED, _words(ask.hint) if ask.hint else None)
    boxes = CheckboxGroup(ask.name, [option], initial_options=[option] if ask.value == TICKED else None)
    return _input(Ask(ask.block, ask.name, ask.label), boxes)


def _input(ask: Ask, element: Element) -> BlockJson:
    block = InputBlock(
        clip(plain(ask.label), MAX_BUTTON),
        element,
        dispatch_action=ask.at_once,
        hint=clip(plain(ask.hint), MAX_LABEL) or None,
        optional=not ask.required,
    )
    return {**rendered(block), "block_id": ask.block}
