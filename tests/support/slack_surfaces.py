"""Handlers for views that record, and an installation check that lets every payload through."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.response import BoltResponse

from bot.chatops.forms.events import FormAnswer, HomeOpened, ViewAction, ViewSubmission
from bot.interactions.events import Mention, Submission
from bot.slack.identity import Identity
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import Surfaces
from bot.slack.task_queue import BackgroundWork


@dataclass
class RecordedForms:
    """Records clicks in views, and validates forms: valid with a kind, invalid without."""

    acts: list[ViewAction] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)

    async def mentioned(self, mention: Mention) -> None:
        self.mentions.append(mention)

    async def acted(self, act: ViewAction) -> None:
        self.acts.append(act)

    async def validate(self, sent: ViewSubmission) -> FormAnswer:
        if "kind" not in sent.view.values:
            return FormAnswer({"response_action": "errors", "errors": {"b": "Which kind?"}})
        work = Submission(f"form:{sent.view.id}", sent.user, "", "", sent.view.id, "task disable", "prod", {})
        return FormAnswer({"response_action": "update", "view": {"type": "modal"}}, work)


def surfaces(on_home: Callable[[HomeOpened], BackgroundWork], forms: RecordedForms | None = None) -> Surfaces:
    """Return handlers: `on_home` for an opened Home tab, recorded forms for the rest."""
    held = forms or RecordedForms()
    return Surfaces(on_home=on_home, on_act=held.acted, on_submit=held.validate, on_mention=held.mentioned)


class OpenGate(InstallationCheck):
    """Lets everything through: whose payload it is, is the subject of test_ours.py."""

    def __init__(self) -> None:
        async def identity() -> Identity:
            raise AssertionError("it asks for nothing")

        super().__init__(identity, str)

    async def async_process(self, **given: Any) -> BoltResponse | None:
        answer: BoltResponse | None = await given["next"]()
        return answer
