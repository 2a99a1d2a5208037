"""Details of findings about the schedulers and their tasks. No I/O."""

from bot.alerting.model import Detail
from bot.alerting.progress import WorkProgress
from bot.clustermgr.scheduler_survey import SchedulerFault
from bot.common.frozen import frozen


@frozen
class SilentScheduler:
    """A scheduler that does not answer, and why."""

    host: str
    fault: SchedulerFault


@frozen
class SchedulersSilent(Detail):
    """Schedulers do not answer, or none is registered (`registered` is False), while `tasks` are on.

    `silent` are those of the `asked` ones that do not answer.
    """

    tasks: tuple[str, ...]
    registered: bool
    silent: tuple[SilentScheduler, ...] = ()
    asked: int = 0

    @property
    def every(self) -> bool:
        """True if no scheduler is known to work."""
        return not self.registered or len(self.silent) == self.asked


@frozen
class TaskFailing(Detail):
    """A task failed `per_minute` times in the last whole minute; `errors` are the texts of its failures."""

    task: str
    per_minute: int
    errors: tuple[str, ...] = ()


@frozen
class DiskProgress:
    """Progress of the repair or drop of a disk."""

    disk: int
    progress: WorkProgress
