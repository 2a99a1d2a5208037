"""Detection of the dialect of a cluster's switches by probes of its hosts, never by a guess (docs/clustermgr.md)."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.tasks import (
    COMMON,
    TASKS,
    DetectedDialect,
    Dialect,
    DialectEvidence,
    EvidenceKind,
    HostDialect,
    dialect_of_values,
    find_task,
)
from bot.common.errors import ClusterError, ClusterRefused, ClusterTimeout
from bot.common.frozen import frozen

_NO_SUCH_CALL = 404
PROBE_SHARE = 0.6
"""The share of the deadline for the probes; the rest is for the stored values."""


@frozen
class Probe:
    """The dialect that one host's calls show, or its error."""

    host: str
    dialect: Dialect | None = None
    error: ClusterError | None = None


async def detect_dialect(api: ClustermgrClient, *, deadline: float = 5.0) -> DetectedDialect:
    """Probe every host, then read the stored values, within `deadline` seconds; never raises ClusterError.

    v3: `/kv/list` answers 200. v1: it answers 404 and `/config/list` answers 200.
    """
    started = time.monotonic()
    probes = await asyncio.gather(*(_probe(api, host, deadline * PROBE_SHARE) for host in api.hosts))
    verdict = dialect_by_probes(probes)
    if verdict is not None:
        return verdict
    if all(isinstance(probe.error, ClusterTimeout) for probe in probes):
        # Hosts that do not answer now would not answer for the values either.
        return _unanswered(probes)
    left = deadline - (time.monotonic() - started)
    return dialect_by_values(await _stored_values(api, left), probes)


def dialect_by_probes(probes: Sequence[Probe]) -> DetectedDialect | None:
    """The dialect that the hosts agree on; undecided when hosts differ; None when no host answered."""
    known = tuple(HostDialect(probe.host, probe.dialect) for probe in probes if probe.dialect is not None)
    if len({each.dialect for each in known}) > 1:
        return DetectedDialect(None, DialectEvidence(EvidenceKind.HOSTS_DIFFER, known))
    return DetectedDialect(known[0].dialect, DialectEvidence(EvidenceKind.PROBED, known)) if known else None


def dialect_by_values(values: Mapping[str, str | None] | None, probes: Sequence[Probe]) -> DetectedDialect:
    """The dialect of the stored values (None: unreadable), for use when no probe found it."""
    if values is None:
        return _unanswered(probes)
    dialect = dialect_of_values(values)
    if dialect is None:
        return DetectedDialect(None, DialectEvidence(EvidenceKind.NO_SIGN))
    return DetectedDialect(dialect, DialectEvidence(EvidenceKind.VALUES, values=dialect))


def _unanswered(probes: Sequence[Probe]) -> DetectedDialect:
    errors = tuple(str(probe.error) for probe in probes if probe.error)
    return DetectedDialect(None, DialectEvidence(EvidenceKind.UNANSWERED, errors=errors))


async def _probe(api: ClustermgrClient, host: str, seconds: float) -> Probe:
    try:
        async with asyncio.timeout(seconds):
            return Probe(host, await _probe_calls(api, host))
    except ClusterError as error:
        return Probe(host, error=error)
    except TimeoutError:
        return Probe(host, error=ClusterTimeout(f"{host} gave no answer in {seconds:.1f} s.", host=host))


async def _probe_calls(api: ClustermgrClient, host: str) -> Dialect:
    try:
        await api.kv_list(host)
    except ClusterRefused as error:
        if error.status != _NO_SUCH_CALL or "page not found" not in error.words:
            raise
        await api.config_list(host)
        return Dialect.V1
    return Dialect.V3


async def _stored_values(api: ClustermgrClient, seconds: float) -> Mapping[str, str | None] | None:
    """The raw values of the manual's six switches in both spellings; None when they cannot be read in time."""
    keys = sorted({key for name in COMMON if (task := find_task(name)) for key in task.keys.values()})
    reads = [asyncio.ensure_future(api.config_get(key)) for key in keys]
    try:
        async with asyncio.timeout(seconds):
            return dict(zip(keys, await asyncio.gather(*reads), strict=True))
    except (ClusterError, TimeoutError):
        return None
    finally:
        # The first failure ends `gather` but not the other reads.
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


def keys_of(dialect: Dialect) -> tuple[str, ...]:
    """The keys of all tasks in the dialect."""
    return tuple(task.keys[dialect] for task in TASKS if dialect in task.keys)
