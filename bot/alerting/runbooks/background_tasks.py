"""Runbooks about switches and the read-only state."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

SWITCHES: Mapping[str, Runbook] = MappingProxyType(
    {
        "read_only": Runbook(
            "The flag comes from the configuration files of the nodes and is normally set on purpose. It is not known "
            "which requests such a server refuses: no recorded server reports the flag.",
            (
                "Ask who set it and why. If it is permanent, set `read_only: {enabled: false}` for that cluster.",
                "To end it, change the configuration of the nodes and restart them one by one, followers first.",
            ),
            "BlobStore v1 does not report the flag, so this alert never fires there.",
        ),
        "scheduler_silent": Runbook(
            "The schedulers do the background tasks. Without one, no broken disk is repaired, no disk is emptied, no "
            "blob is deleted and no missing shard is rebuilt, although the switches are on.",
            (
                "Start the scheduler; its log says why it ended. `/cm tasks` shows which tasks wait.",
                "It runs, and none is registered: it cannot reach Clustermgr, or it has the id of another cluster.",
                "It is registered and does not answer: look at its host, the firewall and `schedulers`.",
            ),
            "Registrations come from `/service/list`, once a minute. A scheduler that is registered but not named or "
            "allowed by `schedulers` is never contacted, so whether it answers is not known. `hold` is longer than a "
            "restart of the scheduler. One silent scheduler of several is an info: the others do its work.",
        ),
        "tasks_failing": Runbook(
            "The task is on and a scheduler works on it, but its work fails. While `shard_repair` fails, blobs stay "
            "incomplete and volumes can lose fewer units than they seem to. While `blob_delete` fails, deleted data "
            "keeps its space.",
            (
                "Read the errors in the alert, and the scheduler's log around them.",
                "`/cm disks status=broken` and `/cm stat`: errors of one disk or host end with its repair.",
                "Errors such as `EOF` or `timeout` of many hosts: look at the network and the load of the blobnodes.",
            ),
            "The failures are counted by the schedulers, for each minute; the last whole minute counts. Only "
            "`shard_repair`, `blob_delete` and `volume_inspect` (time-outs) count failures. The rule needs "
            "`schedulers` in the settings, and CubeFS v3.2 or later.",
        ),
        "task_off_too_long": Runbook(
            "A task was probably switched off for a short time and then forgotten. Nothing breaks at once, but deleted "
            "data keeps its space, disks are not balanced, and a disk that breaks next month is not repaired.",
            (
                "`/cm audit` and `/cm ops` show who switched it off and why, if that was done with cmbot.",
                "If it can run again, switch it on with the button or with `/cm task enable TASK CLUSTER`.",
                "If it must stay off, name it in `meant_off` in the settings of that cluster.",
                "Next time switch it off for a limited time: `/cm task disable TASK CLUSTER for=2h`.",
            ),
            "The time counts from the poll at which cmbot first saw the task off. `meant_off: [balance, data_inspect]` "
            "names the tasks that may stay off.",
        ),
        "task_off_with_work": Runbook(
            "Disks wait for a task that does not run. Broken disks keep reduced redundancy, and disks that are being "
            "dropped cannot be taken out.",
            (
                "Turn the task on with the button, unless it is off on purpose to spare the cluster load.",
                "`/cm task enable disk_repair CLUSTER` does the same. While the task stays off, the work waits.",
                "`/cm disks status=broken` and `status=repairing` show whether the work has begun.",
            ),
            "Switches are read once a minute. On BlobStore v1 a switch that is unset or has an unknown value does not "
            "count as off: services there keep their previous state.",
        ),
        "switch_meaningless": Runbook(
            "The server stores any value and answers 200. Older manuals say `Enable` and `Disable`, but CubeFS reads "
            "only `true` as on and every other value as off. So the value `Enable` turned the task off.",
            (
                "`/cm tasks` shows the stored value and how services read it.",
                "Set it again with `/cm task enable` or `/cm task disable`: cmbot sends a value that services read.",
                "Find the script or manual that sends the wrong value.",
            ),
        ),
        "switch_changed": Runbook(
            "A person or a script changed a switch without cmbot, so there was no second approval, and the audit log "
            "does not record who did it and why.",
            (
                "Ask who did it; `/cm tasks` shows the stored value and how services read it.",
                "If it was a mistake, set it back with `/cm task enable` or `/cm task disable`.",
                "Next time use cmbot: it asks for approval, records the change, and reverts it with `for=2h`.",
            ),
            "A change by an operation of cmbot, including the end of a lease, is reported on its card and raises no "
            "alert here. If no value was stored before and the new one means off, it counts as written by a service "
            "itself. Switches are read once a minute: a change that is reverted within the minute is not seen.",
        ),
    }
)
