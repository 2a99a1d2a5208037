"""COMMANDS: every subcommand of /cm. A new one is added here, and nowhere else."""

from bot.chatops.commands.admin import RELOAD
from bot.chatops.commands.alerts import ACK, ALERT, ALERTS, SILENCE, SILENCES, UNACK, UNSILENCE
from bot.chatops.commands.audit import AUDIT
from bot.chatops.commands.balance import BALANCE
from bot.chatops.commands.clusters import CLUSTERS, VERSION, WHOAMI
from bot.chatops.commands.disk_changes import BROKEN, NODE_OFFLINE, OFFLINE, READONLY, WRITABLE
from bot.chatops.commands.disk_list import DISKS
from bot.chatops.commands.disks import DISK
from bot.chatops.commands.do import DO
from bot.chatops.commands.help import CommandGroup, with_help
from bot.chatops.commands.maintenance import MAINTENANCE_END, MAINTENANCE_START, MAINTENANCES, SAFE_TO_STOP
from bot.chatops.commands.members import ADD, REMOVE, REPLACE, TRANSFER
from bot.chatops.commands.notes import NOTE
from bot.chatops.commands.ops import CANCEL, OP, OPS, REJECT, RETRY, SETTLE, VOLUMES
from bot.chatops.commands.repairs import REPAIRS
from bot.chatops.commands.reports import HANDOVER, SUMMARY, TREND
from bot.chatops.commands.risk import RISK
from bot.chatops.commands.runbook import RUNBOOK
from bot.chatops.commands.stat import MEMBERS, STAT
from bot.chatops.commands.tasks import DISABLE, ENABLE, TASKS_COMMAND
from bot.chatops.commands.timeline import TIMELINE

_READ = (CLUSTERS, STAT, MEMBERS, DISKS, DISK, RISK, REPAIRS, BALANCE, TASKS_COMMAND)
_DISKS = (READONLY, WRITABLE, BROKEN, OFFLINE, NODE_OFFLINE)
_CHANGE = (DO, ENABLE, DISABLE, ADD, REMOVE, REPLACE, TRANSFER, *_DISKS)
GROUPS = (
    CommandGroup("state", "See how a cluster is", _READ),
    CommandGroup("change", "Change a cluster, with checks and approvals", _CHANGE),
    CommandGroup("alerting", "Answer alerts", (ALERTS, ALERT, ACK, UNACK, NOTE, RUNBOOK, SILENCE, SILENCES, UNSILENCE)),
    CommandGroup("reports", "Read what happened", (SUMMARY, HANDOVER, TIMELINE, TREND)),
    CommandGroup("hosts", "Stop a host", (SAFE_TO_STOP, MAINTENANCE_START, MAINTENANCE_END, MAINTENANCES)),
    CommandGroup(
        "operations",
        "Follow operations, the audit log and your rights",
        (OPS, RETRY, OP, VOLUMES, CANCEL, REJECT, SETTLE, AUDIT, WHOAMI, VERSION, RELOAD),
    ),
)
"""The groups of /cm: each command is in one."""
COMMANDS = with_help(GROUPS)
