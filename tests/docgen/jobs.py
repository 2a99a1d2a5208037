"""Write docs/jobs.md from the table of periodic jobs: `python -m tests.docgen.jobs`."""

from pathlib import Path

from bot.common.text import duration
from bot.config import Secrets, parse
from bot.runtime.jobs import Cron, Every, Job, jobs_of
from bot.runtime.settings_mapping import report_jobs_of

EXAMPLE = Path("config.example.yaml")
PAGE = Path("docs/jobs.md")
_WORTH_SAYING = 60.0
"""Seconds until the first run that the page says."""
HEAD = """# Periodic jobs

Written by `make docs` from the table in `bot/runtime/jobs.py`; the scheduler runs the same table. The rows are those of
`config.example.yaml`.

- A job with a task runs on one replica: the one that holds the task. When that replica stops, another one takes the
  task over within two leases (`replicas.lease`).
- A job without a task runs on every replica. The last column says what keeps replicas from doing the same work twice.
- Runs of one job never overlap. Missed, overlapping and failed runs are logged, and counted in
  `cmbot_job_problems_total`.

| job | runs | what it does | task | done once by |
|---|---|---|---|---|
"""


def jobs() -> tuple[Job, ...]:
    """List the jobs of the example settings."""
    settings = parse(EXAMPLE.read_text(encoding="utf-8"), secrets=Secrets(), environment={})
    return jobs_of(settings, report_jobs_of(settings))


def render() -> str:
    """Render the page."""
    return HEAD + "".join(f"{_row(job)}\n" for job in jobs())


def _row(job: Job) -> str:
    task = f"`{job.task}`" if job.task else "none: every replica"
    return f"| `{job.name}` | {_runs(job.trigger)} | {job.about} | {task} | {job.once or 'the holder of the task'} |"


def _runs(trigger: Every | Cron) -> str:
    if isinstance(trigger, Cron):
        return f"`{trigger.expression}` ({trigger.timezone})"
    jitter = f" ± {trigger.jitter:g} s" if trigger.jitter else ""
    first = f", first {duration(trigger.after)} after a start or a reload" if trigger.after >= _WORTH_SAYING else ""
    return f"every {duration(trigger.seconds)}{jitter}{first}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
