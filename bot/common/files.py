"""Files that the command line writes and reads: for their owner only, and whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bot.common.errors import UserError, system_words


def _why(error: OSError | UnicodeDecodeError) -> str:
    return system_words(error) if isinstance(error, OSError) else "it is no UTF-8 text"


@contextmanager
def readable(path: Path, what: str) -> Iterator[TextIO]:
    """The file's text, line by line; `what` says what it should be. Raises UserError."""
    try:
        with path.open(encoding="utf-8") as lines:
            yield lines
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as {what} ({_why(error)}).") from error


@contextmanager
def writable(path: Path, *, replace: bool = False) -> Iterator[TextIO]:
    """A file for its owner only (mode 0600) that appears under its name when it is complete and on the disk.

    Raises UserError, also when there is one of that name already, unless it is to be replaced.
    """
    if path.exists() and not replace:
        raise UserError(f"{path} exists: name another file, or add --force to replace it.")
    unfinished = path.with_name(f"{path.name}.part")
    try:
        # Made anew, so that neither an old file's mode nor a link that waits there counts.
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
