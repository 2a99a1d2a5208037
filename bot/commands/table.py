"""COMMANDS: every subcommand of /cm. A new one is added here, and nowhere else."""

from bot.commands.alerts import ACK, ALERTS, SILENCE, SILENCES, UNSILENCE
from bot.commands.audit import AUDIT
from bot.commands.clusters import CLUSTERS, WHOAMI
from bot.commands.disks import DISK, DISKS
from bot.commands.help import with_help
from bot.commands.stat import MEMBERS, STAT
from bot.commands.tasks import DISABLE, ENABLE, TASKS_COMMAND

COMMANDS = with_help(
    (
        CLUSTERS,
        STAT,
        MEMBERS,
        DISKS,
        DISK,
        TASKS_COMMAND,
        ENABLE,
        DISABLE,
        ALERTS,
        ACK,
        SILENCE,
        SILENCES,
        UNSILENCE,
        AUDIT,
        WHOAMI,
    )
)
