"""Builds the reporter of the status line."""

from bot.clustermgr.read_pace import ReadPace
from bot.delivery.worker import Outbox
from bot.integrations.worker import OutputWorker
from bot.leadership.membership import Membership
from bot.runtime.parts import Notes
from bot.runtime.startup import Foundation
from bot.runtime.status import StatusReporter
from bot.watch.admission import Admission

LATE_SECONDS = 180.0
"""Age in seconds at which the last poll of a cluster is too old."""
LATE_POLLS = 4
"""Least number of poll intervals in that age: results of other replicas arrive once a minute."""


def status_reporter(
    base: Foundation,
    cluster_notes: Notes,
    outbox: Outbox,
    membership: Membership,
    admission: Admission,
    read_pace: ReadPace,
    outputs: OutputWorker | None = None,
) -> StatusReporter:
    """Build the reporter from the parts that it reports on."""
    own = base.settings.clusters
    return StatusReporter(
        store=base.store,
        outbox=outbox,
        clock=base.clock,
        hosts={each.name: len(each.hosts) for each in own},
        max_age={each.name: max(LATE_SECONDS, LATE_POLLS * each.poll_interval) for each in own},
        cluster_notes=cluster_notes,
        channels=[each.channel for each in base.settings.status],
        began=base.clock(),
        alone=lambda: membership.active_replicas <= 1,
        overload=admission.overload,
        reads_wait=lambda: read_pace.waiting,
        outputs=outputs.remark if outputs else lambda: "",
    )
