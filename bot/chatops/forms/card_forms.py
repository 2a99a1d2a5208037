"""Modals of a card: opened by a click, and read as the command that they stand for."""

from bot.chatops.forms.events import ViewSubmission
from bot.chatops.forms.signing import Origin, sign, verify
from bot.chatops.slack_gateway import SlackGateway
from bot.common.errors import SlackError, UserError
from bot.common.frozen import frozen
from bot.interactions.events import Click, Submission
from bot.operations.model import Operation
from bot.views.card_forms import OUTCOME, REASON, reject_form, settle_form

REJECT, SETTLE = "op reject", "op settle"
"""The commands that the modals stand for."""
_LEAST_REASON = 3


@frozen
class CardForms:
    """Opens the modals of cards; `key` signs what they carry."""

    slack: SlackGateway
    key: bytes

    async def open(self, click: Click, op: Operation, command: str) -> None:
        """Open the modal of a button; raises UserError with the command to type if Slack opens none."""
        origin = Origin(click.user, click.channel, click.response_url, command, str(op.id))
        render = settle_form if command == SETTLE else reject_form
        try:
            await self.slack.open_view(click.key, render(op, sign(origin, self.key)))
        except SlackError as error:
            words = "done|not-done reason=…" if command == SETTLE else "reason=…"
            raise UserError(
                f"Slack did not open the form ({error.code or 'no answer'}). Click again, or type "
                f"/cm {command} {op.id} {words}."
            ) from error


def submission_of(sent: ViewSubmission, key: bytes) -> Submission:
    """Read a modal that was sent as its command; raises UserError if it is forged or a value is missing."""
    origin = verify(sent.view.sealed, key, sent.user)
    if origin.kind not in {REJECT, SETTLE}:
        raise UserError("This form belongs to no operation of cmbot. /cm ops lists them.")
    reason = sent.view.values.get(REASON, "").strip()
    values = {"id": origin.cluster, **({"reason": reason} if reason else {})}
    if origin.kind == SETTLE:
        if len(reason) < _LEAST_REASON:
            raise UserError("Write how the outcome is known.").at(REASON)
        values["outcome"] = sent.view.values.get(OUTCOME, "")
    return Submission(
        # Not the trigger: a form that is sent twice is one decision.
        key=f"card:{sent.view.id}",
        user=sent.user,
        channel=origin.channel,
        response_url=origin.answer_to,
        view_id=sent.view.id,
        command=origin.kind,
        cluster="",
        values=values,
        text=f"{origin.kind} {origin.cluster} {values.get('outcome', '')}".rstrip(),
    )
