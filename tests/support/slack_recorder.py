"""SlackRecorder: a SlackGateway that records the calls, or refuses them."""

# ruff: noqa: ARG002 - a fake takes every argument that its port takes

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.chatops.slack_gateway import Asked, OpenView
from bot.common.errors import SlackError
from bot.common.json_object import JsonObject
from bot.interactions.command import Reply
from bot.interactions.message import BlockJson, Message


@dataclass
class SlackRecorder:
    """Records answers, files, views and Home tabs; with `refuses` each call raises SlackError of that code.

    Views have hashes as in Slack: an update with another hash than the present one is refused.
    """

    refuses: str = ""
    said: list[str] = field(default_factory=list)
    answers: list[tuple[str, Reply]] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    """The response_url of each answer that replaced the one before."""
    files: list[tuple[str, bytes]] = field(default_factory=list)
    homes: list[tuple[str, Sequence[BlockJson]]] = field(default_factory=list)
    shown: list[JsonObject] = field(default_factory=list)
    hash: str = "h0"
    conflicts: int = 0

    def _call(self) -> None:
        if self.refuses:
            raise SlackError("refused", code=self.refuses)

    async def respond(self, response_url: str, reply: Reply, *, replace: bool = False) -> None:
        self._call()
        assert response_url
        self.answers.append((response_url, reply))
        self.replaced += [response_url] if replace else []
        self.said = [*(self.said[:-1] if replace else self.said), reply.message.text]

    async def post(self, channel: str, message: Message) -> str:
        self._call()
        self.said.append(message.text)
        return f"{len(self.said)}.0"

    async def permalink(self, channel: str, ts: str) -> str:
        self._call()
        return f"https://slack.example/{channel}/{ts}"

    async def open_view(self, trigger_id: str, view: JsonObject) -> OpenView:
        self._call()
        self.shown.append(view)
        return OpenView("V1", self.hash)

    async def update_view(self, view_id: str, view: JsonObject, *, hash: str = "") -> OpenView:  # noqa: A002 - as in the port
        self._call()
        if hash not in {"", self.hash}:
            self.conflicts += 1
            raise SlackError("changed", code="hash_conflict")
        self.hash = f"h{len(self.shown) + 1}"
        self.shown.append(view)
        return OpenView(view_id, self.hash)

    async def publish_home(self, user: str, blocks: Sequence[BlockJson]) -> None:
        self._call()
        self.homes.append((user, blocks))

    async def say(self, asked: Asked, reply: Reply, *, instead_of: str = "") -> str:
        self._call()
        self.said = [*(self.said[:-1] if instead_of else self.said), reply.message.text]
        return instead_of or f"{len(self.said)}.0"

    async def upload(
        self, channel: str, name: str, content: bytes, *, title: str, comment: str = "", thread_ts: str | None = None
    ) -> None:
        self._call()
        assert thread_ts is None
        assert (name, title) == ("cmbot-audit.csv", "Audit log")
        assert comment
        self.files.append((channel, content))
