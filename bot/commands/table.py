"""COMMANDS: every subcommand of /cm. A new one is added here, and nowhere else."""

from bot.commands.alerts import ACK, ALERTS, SILENCE, SILENCES, UNSILENCE
from bot.commands.audit import AUDIT
from bot.commands.clusters import CLUSTERS, VERSION, WHOAMI
from bot.commands.disks import DISK, DISKS
from bot.commands.do import DO
from bot.commands.help import with_help
from bot.commands.members import ADD, REMOVE, REPLACE, TRANSFER
from bot.commands.ops import CANCEL, OP, OPS, RETRY, SETTLE
from bot.commands.reports import HANDOVER, SUMMARY, TREND
from bot.commands.runbook import RUNBOOK
from bot.commands.stat import MEMBERS, STAT
from bot.commands.tasks import DISABLE, ENABLE, TASKS_COMMAND

_READ = (CLUSTERS, STAT, MEMBERS, DISKS, DISK, TASKS_COMMAND)
_CHANGE = (DO, ENABLE, DISABLE, ADD, REMOVE, REPLACE, TRANSFER)
_FOLLOW = (OPS, RETRY, OP, CANCEL, SETTLE, AUDIT, WHOAMI, VERSION)
_WATCH = (ALERTS, ACK, RUNBOOK, SILENCE, SILENCES, UNSILENCE, SUMMARY, HANDOVER, TREND)
COMMANDS = with_help((*_READ, *_CHANGE, *_WATCH, *_FOLLOW))
