"""Where a secret comes from: its variable, the file that NAME_FILE names, or a credential of systemd."""

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.common.errors import ConfigError, system_words
from bot.common.frozen import frozen
from bot.config.types import clean

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The folder in which systemd puts the credentials of a service (systemd.exec(5), LoadCredential)."""
_SUFFIX = "_FILE"
_MAX_BYTES = 1 << 16


@frozen
class SecretFound:
    """A secret with the place that it was read from, in words; `remark` is a warning about that place."""

    value: str = ""
    place: str = ""
    remark: str = ""


def find_secret(name: str, environment: Mapping[str, str]) -> SecretFound:
    """Return the secret that a variable names, without blanks around it; an empty one if it is not set.

    Raises ConfigError if two places have it, or its file cannot be read. No error shows a value.
    """
    value = clean(environment.get(name, ""))
    files = list(_files(name, environment))
    places = [*([f"the variable {name}"] if value else []), *(place for place, _ in files)]
    if len(places) > 1:
        raise ConfigError(f"{name}: it is set twice, by {' and by '.join(places)}; remove all but one of them.")
    if not files:
        return SecretFound(value, f"The environment variable {name}" if value else "")
    [(place, path)] = files
    return _read(name, place, path)


def _files(name: str, environment: Mapping[str, str]) -> Iterable[tuple[str, Path]]:
    """Yield the files that should have the secret, each with its place in words."""
    named = clean(environment.get(f"{name}{_SUFFIX}", ""))
    if named:
        yield f"{name}{_SUFFIX}", Path(named)
    folder = clean(environment.get(CREDENTIALS, ""))
    if not folder:
        return
    for credential in (name, name.lower()):
        path = Path(folder) / credential
        if _is_there(path):
            yield f"the credential {credential}", path


def _is_there(path: Path) -> bool:
    """True if there is such a file. Raises ConfigError if the folder cannot be looked into."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigError(f"{CREDENTIALS}: the folder cannot be read ({system_words(error)}).") from error
    return True


def _read(name: str, place: str, path: Path) -> SecretFound:
    where = f"The file {path} ({place})"
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{where} is not a regular file: name a file with the secret alone.")
        with path.open("rb") as opened:
            held = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read ({system_words(error)}): it must have the secret {name}.") from error
    if len(held) > _MAX_BYTES:
        raise ConfigError(f"{where} is larger than 64 KiB: write the secret alone into it.")
    try:
        value = clean(held.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where} is not UTF-8 text: write the secret alone into it.") from error
    if not value:
        raise ConfigError(f"{where} is empty: write the secret {name} into it.")
    remark = f"{where} can be read by every user of this machine: run chmod o-rwx on it." if mode & stat.S_IROTH else ""
    return SecretFound(value, where, remark)
