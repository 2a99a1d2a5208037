"""Runbooks about space, chunks and volumes that run low."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.runbooks.runbook import Runbook

SPACE: Mapping[str, Runbook] = MappingProxyType({})
