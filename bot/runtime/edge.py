"""The edge to Slack as the program builds it: what answers each kind of delivery."""

from bot.chatops.dispatcher import Dispatcher
from bot.chatops.forms.controller import Forms
from bot.chatops.forms.live_check import LiveCheck
from bot.chatops.forms.validation import FormValidator
from bot.chatops.home import HomeTab
from bot.chatops.mentions import Mentions
from bot.runtime.startup import Foundation
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import AckMiddleware, Bolt, Surfaces, build_app
from bot.slack.strangers import Strangers
from bot.slack.task_queue import TaskQueue


def edge(
    base: Foundation,
    dispatcher: Dispatcher,
    forms: Forms,
    home: HomeTab,
    task_queue: TaskQueue,
    installation: InstallationCheck,
) -> Bolt:
    """Build the Bolt app of both transports around the handlers of commands, forms, mentions and the Home tab."""

    async def me() -> str:
        return (await base.gateway.identity()).user

    validator = FormValidator(
        base.clusters,
        forms.access,
        forms.policies,
        dispatcher.call_of,
        forms.key,
        forms.record_refusal,
        on_code=dispatcher.codes.sent if dispatcher.codes is not None else None,
    )
    surfaces = Surfaces(
        on_home=home.opened,
        on_act=LiveCheck(forms, dispatcher.call_of).acted,
        on_submit=validator.validate,
        on_mention=Mentions(dispatcher, base.gateway, dispatcher.inbox, me).answer,
        on_sharing=base.gateway.shared.note,
    )
    installation.on_stranger = Strangers(base.gateway, task_queue, forms.record_refusal).refuse
    middleware = AckMiddleware(
        dispatcher, base.gateway, task_queue, surfaces, on_ack=base.metrics.acked, command=base.settings.slack.command
    )
    return build_app(middleware, installation, api_url=base.settings.slack.api_url)
