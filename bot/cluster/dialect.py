"""Which dialect a cluster's switches are in: found out by probing its hosts, never guessed (docs/clustermgr.md)."""

import asyncio
from dataclasses import dataclass

from bot.cluster.client import ClusterApi
from bot.cluster.tasks import COMMON, TASKS, Dialect, DialectVerdict, dialect_of_values, find_task
from bot.errors import ClusterError, ClusterRefused

_NO_SUCH_CALL = 404


@dataclass(frozen=True, slots=True)
class _Probe:
    host: str
    dialect: Dialect | None
    error: ClusterError | None = None


async def detect_dialect(api: ClusterApi, *, deadline: float = 5.0) -> DialectVerdict:
    """Probe every host within `deadline` seconds, then the stored values; never raises ClusterError.

    v3: `/kv/list` answers 200. v1: it answers 404 and `/config/list` answers 200.
    """
    probes = await asyncio.gather(*(_probe(api, host, deadline) for host in api.hosts))
    told = {probe.dialect for probe in probes if probe.dialect is not None}
    if len(told) == 1:
        return _from_hosts(told.pop(), probes)
    if len(told) > 1:
        each = ", ".join(f"{probe.host} speaks {probe.dialect}" for probe in probes if probe.dialect)
        return DialectVerdict(None, f"its hosts differ: {each}.")
    return await _from_values(api, probes, deadline)


def _from_hosts(dialect: Dialect, probes: list[_Probe]) -> DialectVerdict:
    hosts = ", ".join(probe.host for probe in probes if probe.dialect)
    sign = "answered /kv/list" if dialect is Dialect.V3 else "know /config/list and no /kv/list"
    return DialectVerdict(dialect, f"{hosts} {sign}.")


async def _probe(api: ClusterApi, host: str, deadline: float) -> _Probe:
    try:
        async with asyncio.timeout(deadline):
            return _Probe(host, await _ask(api, host))
    except ClusterError as error:
        return _Probe(host, None, error)
    except TimeoutError:
        return _Probe(host, None)


async def _ask(api: ClusterApi, host: str) -> Dialect | None:
    try:
        await api.kv_list(host)
    except ClusterRefused as error:
        if error.status != _NO_SUCH_CALL or "page not found" not in error.words:
            raise
        await api.config_list(host)
        return Dialect.V1
    return Dialect.V3


async def _from_values(api: ClusterApi, probes: list[_Probe], deadline: float) -> DialectVerdict:
    errors = " ".join(str(probe.error) for probe in probes if probe.error)
    keys = sorted({key for name in COMMON if (task := find_task(name)) for key in task.keys.values()})
    try:
        async with asyncio.timeout(deadline):
            values = dict(zip(keys, await asyncio.gather(*(api.config_get(key) for key in keys)), strict=True))
    except (ClusterError, TimeoutError):
        return DialectVerdict(None, f"no host answered the probes. {errors}".strip())
    dialect = dialect_of_values(values)
    if dialect is None:
        return DialectVerdict(None, "no host answered the probes and the stored switches do not tell either.")
    return DialectVerdict(dialect, f"every switch that is set holds a word of {dialect}.")


def keys_of(dialect: Dialect) -> tuple[str, ...]:
    """The keys of every task that the dialect has."""
    return tuple(task.keys[dialect] for task in TASKS if dialect in task.keys)
