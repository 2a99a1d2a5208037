"""Checks of the receivers of alerts outside Slack, and test messages to them."""

import asyncio
import time

from bot.alerting.receivers import ReceiverKind
from bot.cli.check_row import CheckRow
from bot.common.errors import ConfigError
from bot.config import Settings
from bot.config.outputs import ReceiverSettings
from bot.integrations.client import DeliveryFailed, HttpClient
from bot.integrations.sender import Sender, trial
from bot.integrations.senders import senders_of

_FIX = "check its address, its key and the network between"


async def check_outputs(settings: Settings, *, send: bool = False) -> list[CheckRow]:
    """Check each receiver, and with `send` tell it one test; none without receivers."""
    async with HttpClient.opened() as client:
        try:
            senders = senders_of(settings, client, time.time)
        except ConfigError as error:
            return [CheckRow("outputs", well=False, found=str(error), fix="correct the settings")]
        rows = await asyncio.gather(
            *(_receiver(own, senders[own.name], send=send) for own in settings.outputs.receivers)
        )
    return [*rows, *_inputs(settings)]


async def _receiver(own: ReceiverSettings, sender: Sender, *, send: bool) -> CheckRow:
    what = f"receiver {own.name}"
    try:
        found = await sender.check()
        if send:
            now = time.time()
            await sender.send([trial(own.name, now)])
            if own.kind in {ReceiverKind.ALERTMANAGER, ReceiverKind.PAGERDUTY}:
                await sender.send([trial(own.name, now, resolved=True)])
            found = "it took a test message"
    except DeliveryFailed as error:
        return CheckRow(what, well=False, found=str(error), fix=_FIX)
    return CheckRow(what, well=True, found=found)


def _inputs(settings: Settings) -> list[CheckRow]:
    own = settings.inputs
    if own.token_env is None:
        return []
    token = settings.exchange_secrets[own.token_env].get_secret_value()
    if len(token) < 16:  # noqa: PLR2004 - characters of a token that cannot be guessed
        return [
            CheckRow(
                "inputs.token_env",
                well=False,
                found="the token is shorter than 16 characters",
                fix="use a long random one",
            )
        ]
    return [CheckRow("inputs.token_env", well=True, found=f"set; the label {own.cluster_label} names the cluster")]
