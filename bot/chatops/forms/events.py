"""What people do in a form or the Home tab, as it was delivered. Nothing in it is trusted yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ViewState:
    """A view as its person saw it: Slack's id and hash, our names and seal, and what it holds.

    `values` has what each input holds by its action id, `blocks` the block id in which it stands.
    """

    id: str
    hash: str = ""
    callback: str = ""
    sealed: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acted:
    """Something was clicked or chosen in a view; `key` is its trigger id, good for three seconds."""

    key: str
    user: str
    action_id: str
    value: str
    view: ViewState


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form was sent; `key` is its trigger id."""

    key: str
    user: str
    view: ViewState
