"""The hand-written part of docs/alerts.md: per rule why it matters and what to do, one module per topic."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.runbooks.disks import DISKS
from bot.monitor.runbooks.itself import ITSELF
from bot.monitor.runbooks.raft import RAFT
from bot.monitor.runbooks.reach import REACH
from bot.monitor.runbooks.runbook import Runbook
from bot.monitor.runbooks.space import SPACE
from bot.monitor.runbooks.switches import SWITCHES

RUNBOOKS: Mapping[str, Runbook] = MappingProxyType({**REACH, **RAFT, **DISKS, **SPACE, **SWITCHES, **ITSELF})
