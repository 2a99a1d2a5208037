"""A folder in memory for the files of tests, so that a commit waits for no disk."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - a system folder
_ENOUGH = 4 << 30
"""Free bytes that it must have: a whole run takes less than a tenth."""


def memory_folder() -> str | None:
    """Return a folder in memory that is large enough and may hold programs, None if this machine has none."""
    try:
        runs_programs = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
        usable = runs_programs and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ENOUGH
    except OSError:
        return None
    return str(_MEMORY) if usable else None
