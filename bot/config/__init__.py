"""The settings: their model, the types of their values, and the only module that reads them."""

from bot.config.loader import in_file, load, load_http, parse
from bot.config.model import (
    ClusterSettings,
    EscalationSettings,
    HttpSettings,
    Settings,
    SlackSettings,
    SummarySettings,
)
from bot.config.policies import AccessSettings, ClusterAccessSettings, Members, PolicySettings
from bot.config.secrets import Secrets
from bot.config.section import Section
from bot.config.windows import WindowSettings

__all__ = [
    "AccessSettings",
    "ClusterAccessSettings",
    "ClusterSettings",
    "EscalationSettings",
    "HttpSettings",
    "Members",
    "PolicySettings",
    "Secrets",
    "Section",
    "Settings",
    "SlackSettings",
    "SummarySettings",
    "WindowSettings",
    "in_file",
    "load",
    "load_http",
    "parse",
]
