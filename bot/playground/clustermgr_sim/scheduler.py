"""The HTTP answers of the schedulers: their statistics in both shapes, as recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.playground.clustermgr_sim.answer import (
    Answer,
    ApiError,
    Call,
    argument_answer,
    json_answer,
    plain_error,
)
from bot.playground.clustermgr_sim.args import MIGRATING, ArgumentError, from_query
from bot.playground.clustermgr_sim.background import DROP, REPAIR, Background
from bot.playground.clustermgr_sim.clock import Clock

FAILING_TASKS = ("shard_repair", "blob_delete")
_SLOTS, _SLOT = 20, 60
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_STEP = 1024
_SHARD = 1024 * 1024
_DOING = {REPAIR: ("repairing", "repaired"), DROP: ("dropping", "dropped")}


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures of a background task: so many in each minute since `since`."""

    since: float
    per_minute: int
    words: str


class Schedulers:
    """The running schedulers; the one with the lowest number leads, and others forward to it."""

    def __init__(self, background: Background, clock: Clock) -> None:
        self.background = background
        self.running: frozenset[int] = frozenset()
        self._clock = clock
        self._failures: dict[str, Failures] = {}

    def set_failures(self, task: str, per_minute: int, words: str) -> None:
        """Let a task fail so often in each minute from now on; 0 ends it."""
        self._failures.pop(task, None)
        if per_minute:
            self._failures[task] = Failures(self._clock.now(), per_minute, words)

    def answer(self, number: int, call: Call) -> Answer:
        """Return the answer of one scheduler."""
        leads = number == min(self.running, default=0)
        return _traced(self._answer(call, leads=leads), hops=1 if leads or call.path == "/stats" else 2)

    def _answer(self, call: Call, *, leads: bool) -> Answer:
        if not self.background.flavour.scheduler_stats or call.path not in _PATHS:
            return plain_error(404, "404 page not found")
        if call.method != "GET":
            return plain_error(405, "Method Not Allowed").with_headers(("Allow", "GET, OPTIONS"))
        if call.path != "/stats/disk/migrating":
            return json_answer(self._stats(complete=leads or call.path == "/stats/leader"))
        try:
            return self._migrating(from_query(MIGRATING, call.query))
        except ArgumentError as error:
            return argument_answer(str(error))
        except ApiError as error:
            code = "illegal_type" if error.status == 400 else "InternalServerError"  # noqa: PLR2004
            return json_answer({"error": error.words, "code": code}, error.status)

    def _migrating(self, args: dict[str, Any]) -> Answer:
        kind = args["task_type"]
        if kind not in _DOING:
            raise ApiError(400, "illegal task type")
        counts = self.background.migrating(kind, args["disk_id"])
        if counts is None:
            raise ApiError(500, f"not {_DOING[kind][0]} disk")
        return json_answer({"total_tasks_cnt": counts[0], "migrated_tasks_cnt": counts[1]})

    def _stats(self, *, complete: bool) -> dict[str, Any]:
        """All statistics; those of disks are absent unless `complete`."""
        parts = {kind: self._disks(kind) for kind in (REPAIR, DROP)} if complete else {}
        if complete:
            parts["balance"] = {"enable": self.background.is_on("balance"), **self._counts("balance", 0)}
            parts["manual_migrate"] = self._counts("manual_migrate", 0)
            enable = {"enable": self.background.is_on("volume_inspect")}
            parts["volume_inspect"] = enable | {"finished_per_min": _slots(), "time_out_per_min": _slots()}
        parts |= {task: self._shards(task) for task in FAILING_TASKS}
        if not self.background.flavour.stats_by_kind:
            return parts
        return {"blobnode": parts, "shard": {"shard_disk_repair": self._shard_disks() if complete else None}}

    def _disks(self, kind: str) -> dict[str, Any]:
        tasks, (doing, done) = self.background.begun(kind), _DOING[kind]
        left, total = sum(map(self.background.left_of, tasks)), sum(task.total for task in tasks)
        return {
            "enable": self.background.is_on(kind),
            f"{doing}_disks": [task.disk_id for task in tasks],
            "total_tasks_cnt": total,
            f"{done}_tasks_cnt": max(0, total - left),
            **self._counts(kind, left),
        }

    def _counts(self, kind: str, left: int) -> dict[str, Any]:
        moved = [each for each in self.background.moved if each.kind == kind]
        sizes = self._by_minute((each.at, each.size) for each in moved)
        per_minute = {
            "finished_cnt": _slots(self._by_minute((each.at, 1) for each in moved)),
            "shard_cnt": _slots([size // _SHARD for size in sizes]),
            "data_amount_byte": _slots([_readable(size) for size in sizes]),
        }
        return {"preparing_cnt": 0, "worker_doing_cnt": left, "finishing_cnt": 0, "stats_per_min": per_minute}

    def _shards(self, task: str) -> dict[str, Any]:
        failures, failed, total = self._failures.get(task), [0] * _SLOTS, 0
        if failures is not None:
            total = self._minute() - int(failures.since // _SLOT) + 1
            failed = [failures.per_minute if slot >= _SLOTS - total else 0 for slot in range(_SLOTS)]
            total *= failures.per_minute
        return {
            "enable": self.background.is_on(task),
            "success_per_min": _slots(),
            "failed_per_min": _slots(failed),
            "total_err_cnt": total,
            "err_stats": None if failures is None else [f"{failures.words}: 100.00%[{total}]"],
        }

    def _shard_disks(self) -> dict[str, Any]:
        return {
            "enable": self.background.is_on("shard_disk_repair"),
            **dict.fromkeys(("preparing_cnt", "worker_doing_cnt", "finishing_cnt"), 0),
            "repairing_disks": [],
            "total_tasks_cnt": 0,
            "repaired_tasks_cnt": 0,
        }

    def _minute(self) -> int:
        return int(self._clock.now() // _SLOT)

    def _by_minute(self, events: Iterable[tuple[float, int]]) -> list[int]:
        """Sums of the last twenty minutes, the present one last."""
        sums = [0] * _SLOTS
        for at, amount in events:
            ago = self._minute() - int(at // _SLOT)
            if 0 <= ago < _SLOTS:
                sums[_SLOTS - 1 - ago] += amount
        return sums


_PATHS = ("/stats", "/stats/leader", "/stats/disk/migrating")


def _slots(values: Iterable[object] = (0,) * _SLOTS) -> str:
    """Numbers per minute as Go prints an array."""
    return f"[{' '.join(map(str, values))}]"


def _readable(size: int) -> str:
    """A number of bytes as the schedulers print it."""
    power = 0
    while size >= _STEP ** (power + 1) and power < len(_UNITS) - 1:
        power += 1
    return f"{size / _STEP**power:.3f}{_UNITS[power]}"


def _traced(answer: Answer, hops: int) -> Answer:
    """Add the trace headers of one server, twice to a forwarded answer."""
    own = (("Trace-Log", "SCHEDULER"), ("Trace-Tags", "span.kind:server"))
    return answer.with_headers(("Blobstore-Tracer-Traceid", "0" * 16), *own * hops)
