"""The hand-written part of docs/alerts.md: per rule why it matters and what to do, one module per topic."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.background_tasks import SWITCHES
from bot.alerting.runbooks.capacity import SPACE
from bot.alerting.runbooks.disks import DISKS
from bot.alerting.runbooks.raft import RAFT
from bot.alerting.runbooks.reachability import REACH
from bot.alerting.runbooks.runbook import Runbook
from bot.alerting.runbooks.volumes import VOLUMES
from bot.alerting.runbooks.watchdog import ITSELF

RUNBOOKS: Mapping[str, Runbook] = MappingProxyType({**REACH, **RAFT, **VOLUMES, **DISKS, **SPACE, **SWITCHES, **ITSELF})
