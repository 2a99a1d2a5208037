"""Runbooks about switches and the read-only state."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

SWITCHES: Mapping[str, Runbook] = MappingProxyType(
    {
        "read_only": Runbook(
            "The flag comes from the nodes' own configuration files and is normally set on purpose. What a server "
            "refuses then is not known: no recorded one reports it.",
            (
                "Ask who set it and why; where it is meant to last, `read_only: {enabled: false}` for that cluster.",
                "To end it, change the configuration of the nodes and restart them one by one, followers first.",
            ),
            "Releases that do not tell (BlobStore v1) never raise it.",
        ),
        "task_off_too_long": Runbook(
            "Tasks are switched off for an hour or a night, and then forgotten. Nothing breaks at once: space is not "
            "given back, disks are not evened out, and a disk that breaks next month is not repaired.",
            (
                "`/cm audit` and `/cm ops` show who switched it off and why, if it was done with cmbot.",
                "If it need not be off, switch it on: the button does it, or `/cm task enable TASK CLUSTER`.",
                "If it is meant to be off, name it in `meant_off` in the settings of that cluster.",
                "Next time switch it off for a while only: `/cm task disable TASK CLUSTER for=2h`.",
            ),
            "How long it has been off is counted from when cmbot first saw it so. `meant_off: [balance, data_inspect]` "
            "names all tasks that may be off.",
        ),
        "task_off_with_work": Runbook(
            "Disks wait for a task that does not run: broken ones keep less redundancy than they should have, and ones "
            "that are being dropped cannot be taken out.",
            (
                "Turn it on with the button, unless it was turned off on purpose to spare the cluster load.",
                "`/cm task enable disk_repair CLUSTER` does the same. While it stays off, the work waits.",
                "`/cm disks status=broken` and `status=repairing` show whether it takes up its work.",
            ),
            "Switches are read once a minute. On BlobStore v1 a switch that is not set or means nothing is not taken "
            "for off: services there keep what they had.",
        ),
        "switch_meaningless": Runbook(
            "The server stores any value and answers 200. Older manuals say `Enable` and `Disable`; CubeFS "
            "takes exactly `true` for on and everything else for off. So writing `Enable` turns the task off.",
            (
                "`/cm tasks` shows what is stored and what services make of it.",
                "Set it again with `/cm task enable` or `/cm task disable`: cmbot sends the cluster's own words.",
                "Find out which script or manual sends the wrong word.",
            ),
        ),
        "switch_changed": Runbook(
            "A person or a script changed a switch outside cmbot: without a second pair of eyes, and without a line in "
            "the audit log that says who and why.",
            (
                "Ask who did it; `/cm tasks` shows what is stored now and what services make of it.",
                "If it was not meant, set it back with `/cm task enable` or `/cm task disable`.",
                "Next time use cmbot: it asks, records, and puts the old value back by itself with `for=2h`.",
            ),
            "A change by an operation of cmbot, also the end of a lease, is on its card and not here. "
            "What is written where nothing was stored is taken for a service's own doing when it is the word for off. "
            "Switches are read once a minute: one that is set and set back in between is not seen.",
        ),
    }
)
