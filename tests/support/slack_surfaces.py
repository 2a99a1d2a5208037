"""Stand-ins for the receivers of views: forms that only record what was clicked and sent."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.response import BoltResponse

from bot.chatops.dispatcher import STORE_DOWN
from bot.chatops.forms.events import Acted, Submitted
from bot.chatops.forms.validation import FormAnswer
from bot.interactions.events import Submission
from bot.slack.identity import Identity
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import Surfaces
from bot.slack.payloads import HomeOpened


@dataclass
class Forms:
    """Notes acts, and judges what is sent: good with a kind, wrong without."""

    acts: list[Acted] = field(default_factory=list)

    async def acted(self, act: Acted) -> None:
        self.acts.append(act)

    async def judge(self, sent: Submitted) -> FormAnswer:
        if "kind" not in sent.view.values:
            return FormAnswer({"response_action": "errors", "errors": {"b": "Which kind?"}})
        work = Submission(f"form:{sent.view.id}", sent.user, "", "", sent.view.id, "task disable", "prod", {})
        return FormAnswer({"response_action": "update", "view": {"type": "modal"}}, work)

    def store_down(self, sent: Submitted) -> Mapping[str, Any]:
        assert sent.view.id
        return {"response_action": "errors", "errors": {"b": STORE_DOWN}}


def surfaces(on_home: Callable[[HomeOpened], Awaitable[None]], forms: Forms | None = None) -> Surfaces:
    """Who hears of a Home tab, and forms that note."""
    held = forms or Forms()
    return Surfaces(on_home=on_home, on_act=held.acted, judge=held)


class OpenGate(InstallationCheck):
    """Lets everything through: whose payload it is, is the subject of test_ours.py."""

    def __init__(self) -> None:
        async def identity() -> Identity:
            raise AssertionError("it asks for nothing")

        super().__init__(identity, str)

    async def async_process(self, **given: Any) -> BoltResponse | None:
        answer: BoltResponse | None = await given["next"]()
        return answer
