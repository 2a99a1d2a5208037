"""The settings: their model, the kinds of their values, and the one place that reads them."""

from bot.config.kinds import parse_duration
from bot.config.model import (
    AccessSettings,
    ClusterAccessSettings,
    ClusterSettings,
    EscalationSettings,
    HttpSettings,
    Members,
    Secrets,
    Section,
    Settings,
    SlackSettings,
    SummarySettings,
)
from bot.config.reading import in_file, load, parse

__all__ = [
    "AccessSettings",
    "ClusterAccessSettings",
    "ClusterSettings",
    "EscalationSettings",
    "HttpSettings",
    "Members",
    "Secrets",
    "Section",
    "Settings",
    "SlackSettings",
    "SummarySettings",
    "in_file",
    "load",
    "parse",
    "parse_duration",
]
