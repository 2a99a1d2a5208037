"""The form that a button asks for: its kind, cluster and known arguments, read from the button's value. No I/O."""

import json
from collections.abc import Mapping
from dataclasses import field

from bot.chatops.forms.fields import kind_of
from bot.common.errors import UserError
from bot.common.frozen import frozen

_MAX_VALUE = 2000
"""Characters of a button's value; Slack takes no longer one."""


@frozen
class WantedForm:
    """The words of a change, a cluster ("": to be chosen) and arguments by name.

    The value of a button could be forged. It only fills a form: the rights and each argument are checked when the
    form opens and when it is sent.
    """

    kind: str
    cluster: str = ""
    given: Mapping[str, str] = field(default_factory=dict)


def wanted_form(value: str) -> WantedForm:
    """Read the value of a button; raises UserError if it names no change."""
    try:
        found = json.loads(value[:_MAX_VALUE])
    except (ValueError, RecursionError):
        found = None
    held = found if isinstance(found, dict) else {}
    kind = kind_of(str(held.get("kind", "")))
    if kind is None or not kind.listed:
        raise UserError("This button names no change that cmbot knows. /cm do lists the changes.")
    given = held.get("given")
    texts = {name: text for name, text in given.items() if isinstance(text, str)} if isinstance(given, dict) else {}
    cluster = held.get("cluster")
    return WantedForm(kind.key, cluster if isinstance(cluster, str) else "", texts)
