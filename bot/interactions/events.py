"""Deliveries as values: a command, a click, a submitted form of Slack; a proposal of an agent. No I/O."""

import json
from collections.abc import Mapping

from bot.common.frozen import frozen

MAX_NUMBER = 1 << 53
"""Ids and versions are below this number, which JSON readers keep exactly."""

MAX_TIME = 1e11
"""Times in the value of a button are below this (Unix seconds)."""


@frozen
class Invocation:
    """A slash command as Slack delivered it; `key` is its trigger id."""

    key: str
    user: str
    channel: str
    text: str
    response_url: str


@frozen
class Mention:
    """A message that mentions the bot; `key` is the event's id, `ts` the message's, `thread_ts` "" outside a thread.

    `text` is as Slack delivered it, the mention included.
    """

    key: str
    user: str
    channel: str
    text: str
    ts: str
    thread_ts: str = ""


@frozen
class Click:
    """A clicked button as Slack delivered it; `key` is its trigger id, `value` the value of the button."""

    key: str
    user: str
    channel: str
    action_id: str
    value: str
    message_ts: str
    response_url: str

    def number(self, name: str) -> int:
        """Return a positive number in the button's value (JSON), 0 if it has none; the value may be forged."""
        found = self._part(name)
        return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < MAX_NUMBER else 0

    def time(self, name: str) -> float:
        """Return a time in the button's value (JSON, Unix seconds), 0 if it has none."""
        found = self._part(name)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return 0.0
        return float(found) if 0 < found < MAX_TIME else 0.0

    def text(self, name: str) -> str:
        """Return a text in the button's value (JSON), "" if it has none."""
        found = self._part(name)
        return found if isinstance(found, str) else ""

    def _part(self, name: str) -> object:
        try:
            return json.loads(self.value)[name]
        except (ValueError, TypeError, KeyError, RecursionError):
            return None


@frozen
class Submission:
    """A form that was sent: the words of its command, the cluster, and the arguments by name; `text` is the typed form.

    `response_url` is that of the command which opened the form, "" if it was opened from the Home tab.
    """

    key: str
    user: str
    channel: str
    response_url: str
    view_id: str
    command: str
    cluster: str
    values: Mapping[str, str]
    text: str = ""

    @property
    def invocation(self) -> Invocation:
        """The command that the form stands for."""
        return Invocation(self.key, self.user, self.channel, self.text, self.response_url)


@frozen
class AgentProposal:
    """A change that an agent proposes in the name of `user`, as `cmbot mcp` stored it at `at` (Unix seconds).

    `command` has the words of the command, `values` its arguments by name. What is stored allows nothing: the program
    that takes it checks its own settings.
    """

    key: str
    user: str
    at: float
    command: str
    cluster: str
    values: Mapping[str, str]

    @property
    def answer_key(self) -> str:
        """Key of the row that has the answer."""
        return f"{self.key}:answer"


Work = Invocation | Click | Submission | AgentProposal

PROVEN = "with a code"
"""In place of the command in a Submission: its `text` was typed, and its person has proven themself with a code.

Only the check of a code makes such a form; the code is not in it.
"""


HOME_ACKNOWLEDGE = "home:ack:"
"""Beginning of the action ids of the buttons in the Home tab that acknowledge an alert; its id follows."""
SHORTCUT = "shortcut:"
"""Beginning of the action id of a message shortcut, which is a click; the callback id of the manifest follows.

Its value has `thread` (the ts of the message's thread), and for a note `author` and `text` of the message.
"""
ACKNOWLEDGE_SHORTCUT, NOTE_SHORTCUT, PROPOSE_SHORTCUT = "cm_acknowledge", "cm_note", "cm_propose"
"""The callback ids of the message shortcuts."""
MENTION_RUN = "mention_run"
"""The button that runs a command which its author asked for by mention; its value has `user` and `text`."""

HELP_GROUP = "help_group_"
"""Beginning of the action ids of the buttons that list the commands of a group."""


@frozen
class RunCommand:
    """A command (without `/cm`) that a click stands for; it runs as if the clicker had typed it in the channel.

    The answer to a command with a title opens as a modal with that title; if Slack opens none, the clicker gets it as a
    private message. `details` is the value of the button that asks for the details of an answer, `at` the time of the
    state which that answer shows (Unix seconds).
    """

    text: str
    title: str = ""
    details: str = ""
    at: float = 0.0
