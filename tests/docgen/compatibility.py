"""Write docs/compatibility.md from the recordings and the simulated cluster: `python -m tests.docgen.compatibility`.

Each cell is computed: what a release was recorded to answer, what only the simulated cluster answers, what is missing.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.playground.clustermgr_sim import SimulatedCluster, VirtualClock
from bot.playground.clustermgr_sim.answer import Call
from tests.contract.playground_replay import FLAVOUR_OF
from tests.contract.recordings import DATA_FILES, FILES
from tests.contract.test_recorded import METHODS
from tests.contract.test_recorded_schedulers import STATS

PAGE = Path("docs/compatibility.md")
RELEASES = ("v1-2022-03", "v3.5.3", "master-2025-12")
OK = 200
NOT_THERE = 404

Recorded = Mapping[tuple[str, str, str], Counter[int]]
"""Number of recorded answers by release, method and path, each by status."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A call that cmbot makes, or may make in future; `earlier` is what the source says of v3.2.0 to v3.5.2."""

    method: str
    target: str
    use: str
    earlier: str = "as v3.5.3"

    @property
    def path(self) -> str:
        """The path without its arguments."""
        return urlsplit(self.target).path


CALLS = (
    Entry("GET", "/stat", "state of a node, in its own view"),
    Entry("GET", "/disk/list?count=1", "disks, by pages and by state"),
    Entry("GET", "/disk/info?disk_id=1", "one disk"),
    Entry("GET", "/disk/droppinglist", "disks being dropped"),
    Entry("GET", "/volume/unit/list?disk_id=1", "units left on a disk"),
    Entry("GET", "/volume/get?vid=1", "one volume with its units"),
    Entry("GET", "/volume/list?count=1", "volumes, by pages"),
    Entry("GET", "/config/get?key=balance", "a switch; the code modes that users defined"),
    Entry("GET", "/kv/list?count=1", "all stored values; shows the dialect, and switches that are not known"),
    Entry("GET", "/config/list", "all values of v1; the same use", "v3.2 too"),
    Entry("GET", "/service/list", "registered services"),
    Entry("GET", "/node/info?node_id=1", "one blobnode; shows that it was dropped"),
    Entry("GET", "/cluster/dashboard", "the cluster's own view of its volumes (source of 2026 only)", "not there"),
    Entry("GET", "/stats", "a scheduler's own statistics"),
    Entry("GET", "/stats/leader", "statistics of the leading scheduler", "from v3.3; v3.2: /leader/stats"),
    Entry("GET", "/stats/disk/migrating?task_type=disk_drop&disk_id=1", "tasks of one disk", "from v3.3"),
    Entry("POST", "/config/set", "turn a background task on or off"),
    Entry("POST", "/member/add", "add a member of the raft group"),
    Entry("POST", "/member/remove", "remove a member"),
    Entry("POST", "/leadership/transfer", "make another member the leader"),
    Entry("POST", "/disk/set", "declare a disk broken"),
    Entry("POST", "/disk/access", "make a disk read-only or writable"),
    Entry("POST", "/disk/drop", "begin to drop a disk"),
    Entry("POST", "/disk/dropped", "end the drop of a disk: the scheduler sends it, cmbot never does"),
    Entry("POST", "/node/drop", "drop a node"),
)

HEAD = """# Compatibility

Written by `make docs` from the recorded exchanges with real servers (`tests/contract`) and from the simulated cluster.
A test fails while this page is old.

- *recorded*: real servers of this release were asked: the statuses, with the number of recorded answers. The contract
  tests put each of them through the simulated cluster, and with ✓ through cmbot's client as well.
- *simulated*: no recording; only the simulated cluster answers it, by the source of the servers.
- *not there*: this release has no such call; *recorded* where a server said so with 404.
- v3.2.0 to v3.5.2 were not recorded. Their column is by their source; cmbot treats them as v3.5.3.

- CubeFS 3.6 was not recorded: nothing of it is proven.

| call | used for | v1 (2022-03) | v3.2.0 to v3.5.2 | v3.5.3 | master (2025-12) | 3.6 |
|---|---|---|---|---|---|---|
"""

TAIL = """
## CubeFS 3.6 and later

CubeFS 3.6 is out. Its answers could not be recorded, so nothing on this page is proven for it. What a later release may
change is shown as it is, and never taken as safe:

| unknown value | what cmbot does |
|---|---|
| state of a disk | shown as *state 6 (unknown to cmbot)*, first in `/cm disks`; `status=unknown` lists them. It is no room for chunks, and a unit on it counts as unreachable |
| state of a volume | counted in `/cm stat` as volumes *in a state unknown to cmbot* |
| code mode | shown with its number; what such a volume can lose is *unknown*, which an alert treats as critical once a unit is lost. Modes 240 to 255 are read from `code_mode_extend`; one that is missing there, not usable, or has other units than the volume stays unknown |
| state of a blobnode | shown as *in state 6 (unknown to cmbot)*: its drop is not verified |
| key or value of a switch | an unknown value is *meaningless here* in `/cm tasks`, with the stored text; a key that cmbot does not know is listed there as *Not known to cmbot* if its value is a word of a switch |
| field of an answer | shown as *also reported, and not known to cmbot*, at most eight of a kind and 40 characters each: of `/stat` in `/cm stat`, of a disk in `/cm disk`, of volumes in `/cm risk`, of services in `/cm tasks`. It changes no verdict. A field of another type than expected is an error that names the call, never a zero |
| a call that is refused or missing | said as *not known*, and the rest of the answer is shown |
"""  # noqa: E501 - rows of a table


def recorded() -> Recorded:
    """Count the recorded answers."""
    found: dict[tuple[str, str, str], Counter[int]] = {}
    for path in (*FILES, *DATA_FILES):
        for item in json.loads(path.read_text(encoding="utf-8")):
            request = item["request"]
            key = (path.parent.name, request["method"], urlsplit(request["target"]).path)
            found.setdefault(key, Counter())[item["response"]["status"]] += 1
    return found


async def simulated() -> Mapping[tuple[str, str, str], int]:
    """The statuses with which the simulated cluster answers each call, by release, method and path."""
    found = {}
    for release in RELEASES:
        async with SimulatedCluster(flavour=FLAVOUR_OF[release], clock=VirtualClock(), schedulers=1) as cluster:
            for entry in CALLS:
                call = Call(entry.method, entry.target)
                if entry.path.startswith("/stats"):
                    answer = cluster.schedulers.answer(1, call)
                else:
                    answer = await cluster.engine.handle(1, call)
                found[release, entry.method, entry.path] = answer.status
    return found


def cell(counted: Counter[int] | None, status: int, *, client: bool) -> str:
    """What is known of a call in a release."""
    if counted is None:
        return "not there" if status == NOT_THERE else "simulated"
    if set(counted) == {NOT_THERE} and status == NOT_THERE:
        return "not there (recorded)"
    answers = ", ".join(f"{code} ({number})" for code, number in sorted(counted.items()))
    return f"recorded{' ✓' if client else ''}: {answers}"


def render() -> str:
    """Render the page."""
    counted, answered = recorded(), asyncio.run(simulated())
    return HEAD + "".join(f"{_row(entry, counted, answered)}\n" for entry in CALLS) + TAIL


def _row(entry: Entry, counted: Recorded, answered: Mapping[tuple[str, str, str], int]) -> str:
    client = (entry.method, entry.path) in METHODS or entry.path in STATS
    first, *others = (
        cell(counted.get(key), answered[key], client=client)
        for key in ((release, entry.method, entry.path) for release in RELEASES)
    )
    cells = (f"{entry.method} `{entry.path}`", entry.use, first, entry.earlier, *others, "not recorded")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
