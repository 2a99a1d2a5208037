"""Background tasks: names, keys in each dialect, and the meaning of stored switch values.

Two dialects exist, and a value of the wrong one does harm (docs/clustermgr.md). `v1` (BlobStore up to 2022) knows only
`Enable` and `Disable`. `v3` (CubeFS v3.2.0 and later) reads `true` as on and any other value, even `Enable`, as off.
"""

import difflib
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from bot.common.frozen import frozen


class Dialect(StrEnum):
    """The spelling of switches in a cluster."""

    V1 = "v1"
    V3 = "v3"


@frozen
class Task:
    """One background task: its name, its key in each dialect that has it, and its purpose."""

    name: str
    keys: Mapping[Dialect, str]
    does: str
    aliases: tuple[str, ...] = ()


class EvidenceKind(StrEnum):
    """How the dialect of a cluster was detected, or why it is undecided."""

    PINNED = "pinned"
    PROBED = "probed"
    HOSTS_DIFFER = "hosts_differ"
    UNANSWERED = "unanswered"
    VALUES = "values"
    NO_SIGN = "no_sign"
    NOT_YET = "not_yet"


@frozen
class HostDialect:
    """The dialect that the calls of a host show."""

    host: str
    dialect: Dialect


@frozen
class DialectEvidence:
    """Facts behind a detected dialect, without words.

    `hosts` are those that answered the probes, `errors` the hosts' own errors, `values` is the dialect of the stored
    values. `chosen` is the dialect that a person named because detection failed.
    """

    of: EvidenceKind
    hosts: tuple[HostDialect, ...] = ()
    errors: tuple[str, ...] = ()
    values: Dialect | None = None
    chosen: Dialect | None = None


@frozen
class DetectedDialect:
    """The dialect of a cluster, None if undecided."""

    dialect: Dialect | None
    evidence: DialectEvidence
    pinned: bool = False


class SwitchEffect(StrEnum):
    """How services read a stored value."""

    RUN = "run"
    DO_NOT_RUN = "do_not_run"
    KEEP_LAST = "keep_last"
    WRITE_OFF = "write_off"
    TAKE_AS_OFF = "take_as_off"


@frozen
class Meaning:
    """The meaning of a stored value: `word` is on, off, unset or meaningless; `effect` is how services read it."""

    word: str
    effect: SwitchEffect


WORDS: Mapping[Dialect, tuple[str, str]] = MappingProxyType(
    {Dialect.V1: ("Enable", "Disable"), Dialect.V3: ("true", "false")}
)
"""(on, off) of each dialect."""


def _task(name: str, does: str, *aliases: str, v1: str | None = None, v3: str | None = None) -> Task:
    keys = {dialect: key for dialect, key in ((Dialect.V1, v1), (Dialect.V3, v3)) if key}
    return Task(name, MappingProxyType(keys), does, aliases)


TASKS: tuple[Task, ...] = (
    _task("disk_repair", "rebuilds the data of broken disks", v1="disk_repair", v3="disk_repair"),
    _task("balance", "moves chunks from full disks to emptier ones", v1="balance", v3="balance"),
    _task("disk_drop", "empties disks that are being taken out", v1="disk_drop", v3="disk_drop"),
    _task("blob_delete", "frees the space of deleted blobs", v1="blob_delete", v3="blob_delete"),
    _task("shard_repair", "rebuilds missing shards of single blobs", v1="shard_repair", v3="shard_repair"),
    _task(
        "volume_inspect",
        "checks volumes for missing shards",
        "vol_inspect",
        "inspect",
        v1="vol_inspect",
        v3="volume_inspect",
    ),
    _task("data_inspect", "reads data back and checks its checksums", v3="data_inspect"),
    _task("shard_node_blob_delete", "frees deleted blobs of shard nodes", v3="shard_node_blob_delete"),
    _task("shard_disk_repair", "rebuilds broken disks of shard nodes (newest releases)", v3="shard_disk_repair"),
)
"""Every task with a switch. `manual_migrate` exists too, but services ignore its stored value and keep it on."""

ALWAYS_ON = "manual_migrate"
COMMON = ("disk_repair", "balance", "disk_drop", "blob_delete", "shard_repair", "volume_inspect")
"""The six tasks of the administrator's manual."""

_BY_NAME: Mapping[str, Task] = MappingProxyType({name: task for task in TASKS for name in (task.name, *task.aliases)})


def find_task(name: str) -> Task | None:
    """The task of that name or alias, in any case, with - or _ between words."""
    return _BY_NAME.get(name.strip().lower().replace("-", "_"))


def suggest_task(name: str) -> str | None:
    """The known task name nearest to a mistyped one."""
    near = difflib.get_close_matches(name.strip().lower().replace("-", "_")[:64], _BY_NAME, n=1, cutoff=0.6)
    return near[0] if near else None


def key_of(task: str, dialect: Dialect | str) -> str | None:
    """The key of a task's switch in a dialect; None if the dialect has no such task."""
    found = find_task(task)
    return found.keys.get(Dialect(dialect)) if found else None


def word_for(dialect: Dialect | str, *, on: bool) -> str:
    """The value that turns a task on or off in a dialect."""
    words = WORDS[Dialect(dialect)]
    return words[0] if on else words[1]


def meaning_of(value: str | None, dialect: Dialect | str) -> Meaning:
    """The meaning of a raw stored value (None: unset) in a dialect."""
    on, off = WORDS[Dialect(dialect)]
    if value is None:
        return _UNSET[Dialect(dialect)]
    if value == on:
        return _ON
    if value == off:
        return _OFF
    return _MEANINGLESS[Dialect(dialect)]


_ON, _OFF = Meaning("on", SwitchEffect.RUN), Meaning("off", SwitchEffect.DO_NOT_RUN)
_UNSET = {
    Dialect.V1: Meaning("unset", SwitchEffect.KEEP_LAST),
    Dialect.V3: Meaning("unset", SwitchEffect.WRITE_OFF),
}
_MEANINGLESS = {
    Dialect.V1: Meaning("meaningless", SwitchEffect.KEEP_LAST),
    Dialect.V3: Meaning("meaningless", SwitchEffect.TAKE_AS_OFF),
}


def unknown_switches(stored: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Keys and values that look like switches of tasks that cmbot does not know, by key; other settings are none."""
    words = {word for pair in WORDS.values() for word in pair}
    known = {key for task in TASKS for key in task.keys.values()} | {ALWAYS_ON}
    return tuple(sorted((key, value) for key, value in stored.items() if value in words and key not in known))


def dialect_of_values(values: Mapping[str, str | None]) -> Dialect | None:
    """The dialect of all stored values of the manual's six switches; None if none is set or they differ."""
    stored = {value for key, value in values.items() if key in _COMMON_KEYS and value is not None}
    for dialect, words in WORDS.items():
        if stored and stored <= set(words):
            return dialect
    return None


_COMMON_KEYS = frozenset(key for name in COMMON for key in _BY_NAME[name].keys.values())
