"""People of another organisation: every click, form and shortcut of theirs is refused and recorded."""

import structlog

from bot.chatops.audit_log import RecordRefusal
from bot.chatops.slack_gateway import SlackGateway
from bot.common.errors import SlackError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.command import Reply
from bot.interactions.events import Invocation
from bot.interactions.message import Message
from bot.slack.identity import Identity, part
from bot.slack.task_queue import TaskQueue

log = structlog.get_logger(__name__)

REFUSED = "cmbot takes clicks and forms from members of its organisation only. Ask a member of it."


def is_stranger(body: JsonObject, me: Identity) -> bool:
    """Return True if the person of a payload belongs to another workspace, which shares a channel with ours.

    In an organisation with several workspaces every person of the organisation belongs to us.
    """
    team = part(body, "user").get("team_id") or part(body, "team").get("id")
    if not isinstance(team, str) or team in {"", me.team_id}:
        return False
    enterprise = part(body, "user").get("enterprise_id") or part(body, "enterprise").get("id")
    return not (me.enterprise and me.enterprise in {team, enterprise})


@frozen
class Strangers:
    """Answers people of another organisation, and records what they tried."""

    slack: SlackGateway
    background: TaskQueue
    record_refusal: RecordRefusal

    def refuse(self, body: JsonObject) -> None:
        """Begin to answer a payload."""
        self.background.start(self._refuse(body))

    async def _refuse(self, body: JsonObject) -> None:
        user, team = str(part(body, "user").get("id") or ""), str(part(body, "user").get("team_id") or "")
        channel = str(part(body, "channel").get("id") or "")
        log.warning("inbound.stranger", user=user, team=team, channel=channel)
        what = f"({str(body.get('type') or 'payload')[:40]} of a person of {team[:40]})"
        await self.record_refusal(Invocation("", user, channel, what, ""), "", REFUSED)
        url = body.get("response_url")
        if isinstance(url, str) and url:
            try:
                await self.slack.respond(url, Reply(Message(REFUSED)))
            except SlackError as error:
                log.info("answer.lost", user=user, error=str(error), code=error.code)
