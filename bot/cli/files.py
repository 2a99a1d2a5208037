"""Files that the command line reads and writes: complete or not at all, and for their owner only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bot.common.errors import UserError, system_words


def _why(error: OSError | UnicodeDecodeError) -> str:
    return system_words(error) if isinstance(error, OSError) else "it is not UTF-8 text"


@contextmanager
def readable(path: Path, what: str) -> Iterator[TextIO]:
    """Open a file to read its lines; `what` names the expected content. Raise UserError."""
    try:
        with path.open(encoding="utf-8") as lines:
            yield lines
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as {what} ({_why(error)}).") from error


@contextmanager
def writable(path: Path, *, replace: bool = False) -> Iterator[TextIO]:
    """Open a file for its owner only (mode 0600); it appears at `path` when it is complete and on the disk.

    Raise UserError, also for an existing file without `replace`.
    """
    if path.exists() and not replace:
        raise UserError(f"{path} exists: name another file, or add --force to replace it.")
    unfinished = path.with_name(f"{path.name}.part")
    try:
        # Create the file here: the mode of an old file or a symbolic link must not count.
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a descriptor, not a path
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({system_words(error)}): name another file.") from error
    finally:
        unfinished.unlink(missing_ok=True)
