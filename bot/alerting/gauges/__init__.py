"""Gauges of a cluster for Prometheus, from what the watch knows already. No I/O."""

from bot.alerting.gauges.facts import GaugeFacts, WatchFacts
from bot.alerting.gauges.table import FAMILIES, INFOS, WATCHED

__all__ = ["FAMILIES", "INFOS", "WATCHED", "GaugeFacts", "WatchFacts"]
