"""The metrics that a Clustermgr exports itself, as its source registers them (cubefs/cubefs, blobstore/clustermgr).

It sets them every two minutes (`metric_report_interval_m`), on each node in its own view; the names of most items are
those of Go's fields. Each node says in a label whether it leads.
"""

from collections.abc import Iterator, Mapping

from bot.playground.clustermgr_sim.nodes import Node, Role
from bot.playground.clustermgr_sim.raft import Raft

REGION, CLUSTER = "test-region", "1"
_CHUNKS = ("total_chunk", "total_free_chunk")
_HELP = {
    "raft_stat": "cluster raft stat info",
    "space_stat_info": "cluster space info",
    "disk_stat_info": "cluster disk info",
    "chunk_stat_info": "cluster chunk info",
    "vol_status_vol_count": "vol status volume count",
}
_VOLUMES = {
    "total": "total_volume",
    "idle": "idle_volume",
    "allocatable": "can_alloc_volume",
    "active": "active_volume",
    "lock": "lock_volume",
    "unlocking": "unlocking_volume",
}
Row = tuple[str, Mapping[str, str], float]
"""The name of a gauge behind its prefix, its labels, its value."""


def report(raft: Raft, node: Node) -> str:
    """The gauges of one node as it reports them now."""
    leads = {"cluster": CLUSTER, "is_leader": str(node.role is Role.LEADER).lower(), "region": REGION}
    rows = [*_raft(raft, node), *_space(node), *_volumes(raft, node)]
    lines: list[str] = []
    for name, about in _HELP.items():
        full = f"blobstore_clusterMgr_{name}"
        lines += [f"# HELP {full} {about}\n", f"# TYPE {full} gauge\n"]
        for _, labels, value in (row for row in rows if row[0] == name):
            shown = ",".join(f'{label}="{text}"' for label, text in sorted({**leads, **labels}.items()))
            lines.append(f"{full}{{{shown}}} {value:g}\n")
    return "".join(lines)


def _raft(raft: Raft, node: Node) -> Iterator[Row]:
    numbers = {
        "term": node.term,
        "applied_index": node.applied,
        "committed_index": node.commit,
        "peers": len(raft.members),
    }
    for item, number in numbers.items():
        yield "raft_stat", {"item": item}, number


def _space(node: Node) -> Iterator[Row]:
    for name, value in (node.space or {}).items():
        if isinstance(value, int):
            yield "space_stat_info", {"item": _go(name)}, value
    for zone in (node.space or {}).get("disk_stat_infos") or ():
        for name, value in zone.items():
            if isinstance(value, int):
                gauge = "chunk_stat_info" if name in _CHUNKS else "disk_stat_info"
                yield gauge, {"idc": zone["idc"], "item": _go(name)}, value


def _volumes(raft: Raft, node: Node) -> Iterator[Row]:
    counters = raft.view(node).volumes.counters()
    for status, name in _VOLUMES.items():
        yield "vol_status_vol_count", {"status": status}, counters[name]


def _go(name: str) -> str:
    """The name of a field in Go."""
    return "ReadOnlySpace" if name == "readonly_space" else "".join(word.capitalize() for word in name.split("_"))
