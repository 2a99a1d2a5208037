"""The modal of a code: opened for a command that uses break-glass, and read once it is sent."""

from bot.chatops.commands.tokenizer import unescape
from bot.chatops.forms.events import FormAnswer, ViewSubmission
from bot.chatops.forms.signing import Origin, sign, verify
from bot.chatops.slack_gateway import SlackGateway
from bot.common.errors import CmbotError, StoreError, UserError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.events import PROVEN, Click, Invocation, Submission
from bot.interactions.message import Message
from bot.permissions.one_time_codes import CodeVerdict
from bot.views.code_forms import CODE, code_asked, code_form, code_refused
from bot.views.errors import error_text
from bot.views.forms import checking, notice
from bot.workflow.code_check import CodeCheck

KIND = "code"
"""The kind of form in the signed metadata."""


@frozen
class CodeForms:
    """Opens the modal and reads it; `key` signs the command that it carries."""

    slack: SlackGateway
    key: bytes
    codes: CodeCheck

    async def open(self, asked: Invocation, cluster: str) -> None:
        """Open the modal for a command; raises SlackError."""
        await self.slack.open_view(asked.key, form_of(asked, cluster, self.key))

    async def clicked(self, click: Click) -> None:
        """Open the modal for the command of the button; raises UserError, SlackError."""
        asked, cluster = asked_by(click)
        await self.open(asked, cluster)

    async def sent(self, sent: ViewSubmission) -> FormAnswer:
        """Check the typed code; returns the command as work if it counts."""
        try:
            origin = self._origin(sent)
        except UserError as error:
            return FormAnswer({"response_action": "update", "view": notice(Message(error_text(error)))})
        refusal = await self._refusal(sent)
        if refusal:
            block = sent.view.blocks.get(CODE, CODE)
            return FormAnswer({"response_action": "errors", "errors": {block: refusal}})
        work = Submission(
            key=f"code:{sent.key}",
            user=sent.user,
            channel=origin.channel,
            response_url=origin.answer_to,
            view_id=sent.view.id,
            command=PROVEN,
            cluster=origin.cluster,
            values={},
            text=origin.reason,
        )
        return FormAnswer({"response_action": "update", "view": checking(origin.cluster)}, work)

    def _origin(self, sent: ViewSubmission) -> Origin:
        origin = verify(sent.view.sealed, self.key, sent.user)
        if origin.kind != KIND:
            raise UserError("This form belongs to no command of cmbot. Type the command again.")
        return origin

    async def _refusal(self, sent: ViewSubmission) -> str:
        typed = "".join(sent.view.values.get(CODE, "").split())
        try:
            found = await self.codes.check(sent.user, typed)
        except StoreError:
            return "Nothing was proposed, because cmbot cannot reach its database. Try again with the next code."
        except CmbotError as error:
            return error_text(error)
        if found.verdict is CodeVerdict.ACCEPTED:
            return ""
        return code_refused(found.verdict, left=found.left, user=sent.user)


def form_of(asked: Invocation, cluster: str, key: bytes) -> JsonObject:
    """Return the modal for a command."""
    origin = Origin(asked.user, asked.channel, asked.response_url, KIND, cluster, reason=asked.text)
    return code_form(unescape(asked.text), sign(origin, key))


def asked_by(click: Click) -> tuple[Invocation, str]:
    """Return the command of the button, which its author alone may use, and its cluster; raises UserError."""
    author, text = click.text("user"), click.text("text")
    if author != click.user or not text:
        raise UserError("This button is for the person who typed the command. Type it yourself.")
    return Invocation(click.key, click.user, click.channel, text, click.response_url), click.text("cluster")


def asked_for(asked: Invocation, cluster: str) -> Message:
    """Return the answer with the button that opens the modal."""
    return code_asked(asked.text, unescape(asked.text), asked.user, cluster)
