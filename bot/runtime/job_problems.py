"""What becomes of the problems of periodic jobs: counted, logged, and reported to the watchdog."""

from collections import Counter
from dataclasses import field

import structlog

from bot.common.frozen import frozen
from bot.runtime.polling import POLL
from bot.runtime.scheduler import JobProblem, ProblemKind
from bot.telemetry.metrics import Metrics
from bot.watch.admission import Admission
from bot.watch.watchdog import Watchdog

log = structlog.get_logger(__name__)


@frozen
class JobProblems:
    """Count problems of jobs in the metrics, log them, and report those of polls to the watchdog.

    A poll that is due again before its turn came is no fault of its cluster: the load is too high, which is said once.
    """

    metrics: Metrics
    watchdog: Watchdog
    admission: Admission
    seen: Counter[tuple[str, ProblemKind]] = field(default_factory=Counter)

    def report(self, problem: JobProblem) -> None:
        """Report one problem (the scheduler's `on_problem`)."""
        self.metrics.job_problem(problem.job, problem.kind.name.lower())
        kind, _, cluster = problem.job.partition(" ")
        if kind == POLL and problem.kind is ProblemKind.OVERLAPPED and self.admission.skip(cluster):
            return
        if kind == POLL:
            self.watchdog.record_schedule_error(cluster, problem.kind.value)
        self.seen[problem.job, problem.kind] += 1
        times = self.seen[problem.job, problem.kind]
        if times & (times - 1) and problem.error is None:
            # Only the 1st, 2nd, 4th, 8th …: a slow cluster would fill the log.
            return
        log.warning(
            "schedule.trouble",
            times=times,
            job=problem.job,
            what=problem.kind.value,
            error=str(problem.error or ""),
            exc_info=problem.error,
        )
