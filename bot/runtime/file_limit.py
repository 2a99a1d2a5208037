"""The number of files and connections that the process may have open.

Each host of a cluster takes up to two connections. Many systems start a process with a limit of 1,024, which two
hundred clusters of three hosts reach.
"""

import resource

import structlog

log = structlog.get_logger(__name__)

ENOUGH = 65_536
"""More than the clusters of one process need."""


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard limit, up to ENOUGH; a system that refuses leaves it as it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        log.warning("start.file_limit", limit=soft, wanted=wanted, error=str(error))
