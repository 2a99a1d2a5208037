"""Actions of people in a form or in the Home tab, as delivered. The content is not trusted yet."""

from collections.abc import Mapping
from dataclasses import field

from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.events import Submission


@frozen
class ViewState:
    """A view as its person saw it: Slack's id and hash, our callback id and signed metadata, and its inputs.

    `values` has the value of each input by its action id, `blocks` the block id of each input.
    """

    id: str
    hash: str = ""
    callback: str = ""
    sealed: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, str] = field(default_factory=dict)


@frozen
class ViewAction:
    """A click, a choice or a character `typed` in a view; `key` is its trigger id, valid for three seconds."""

    key: str
    user: str
    action_id: str
    value: str
    view: ViewState
    typed: bool = False


@frozen
class ViewSubmission:
    """A form that was sent; `key` is its trigger id."""

    key: str
    user: str
    view: ViewState


@frozen
class HomeOpened:
    """A person opened the Home tab; `key` is the event's id."""

    key: str
    user: str


@frozen
class FormAnswer:
    """The acknowledgement of a form, and the work to store before it is sent."""

    answer: JsonObject
    work: Submission | None = None
