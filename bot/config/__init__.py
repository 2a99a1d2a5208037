"""The settings: their model, the kinds of their values, and the one place that reads them."""

from bot.config.loader import in_file, load, parse
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
from bot.config.types import parse_duration

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
