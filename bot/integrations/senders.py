"""Senders of the receivers that the settings name."""

import ssl
from collections.abc import Callable, Mapping

from bot.alerting.model import Severity
from bot.alerting.receivers import Receiver, ReceiverKind, When
from bot.common.errors import ConfigError
from bot.config import Settings
from bot.config.outputs import PAGERDUTY_URL, ReceiverSettings
from bot.integrations.alertmanager import AlertmanagerSender
from bot.integrations.client import HttpClient
from bot.integrations.pagerduty import PagerDutySender
from bot.integrations.robots import RobotSender
from bot.integrations.sender import ReceiverTarget, Sender
from bot.integrations.webhook import WebhookSender


def receivers_of(settings: Settings) -> tuple[Receiver, ...]:
    """What each receiver of the settings takes."""
    return tuple(
        Receiver(
            own.name,
            ReceiverKind(own.kind),
            frozenset(own.clusters),
            Severity[own.least.upper()],
            When(own.when),
        )
        for own in settings.outputs.receivers
    )


def senders_of(settings: Settings, client: HttpClient, wall: Callable[[], float]) -> Mapping[str, Sender]:
    """The sender of each receiver, by its name. Raises ConfigError for certificates that cannot be read."""
    return {own.name: _sender(settings, own, client, wall) for own in settings.outputs.receivers}


def _sender(settings: Settings, own: ReceiverSettings, client: HttpClient, wall: Callable[[], float]) -> Sender:
    def held(variable: str | None) -> str:
        return settings.exchange_secrets[variable].get_secret_value() if variable else ""

    target = ReceiverTarget(
        own.name,
        held(own.url_env) or own.url or PAGERDUTY_URL,
        held(own.key_env),
        held(own.secret_env),
        context_of(own),
        settings.docs_url or "",
    )
    kind = ReceiverKind(own.kind)
    if kind is ReceiverKind.ALERTMANAGER:
        return AlertmanagerSender(target, client, wall, settings.outputs.resend)
    if kind is ReceiverKind.WEBHOOK:
        return WebhookSender(target, client, wall)
    if kind is ReceiverKind.PAGERDUTY:
        return PagerDutySender(target, client)
    return RobotSender(target, kind, client, wall)


def context_of(own: ReceiverSettings) -> ssl.SSLContext | None:
    """The TLS context of a receiver with the authorities of its settings, None without any. Raises ConfigError."""
    if own.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=own.ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"outputs.receivers.{own.name}.ca_file = {str(own.ca_file)!r}: cannot be read as certificates; "
            "name a PEM file."
        ) from error
