"""Snapshots of clusters from recorded answers, and the visible text of a message."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.clustermgr.models import Disk, HostAnswer, Snapshot, Stat
from bot.common.errors import ClusterError, ClusterTimeout, ClusterUnreachable
from bot.interactions.message import BlockJson, Message
from bot.playground.slack_sim.blockkit import check_blocks
from bot.views.tables import KINDS, as_text, texts

RECORDED = Path(__file__).parents[1] / "contract" / "recorded"
HOSTS = ("10.0.0.1:9998", "10.0.0.2:9998", "10.0.0.3:9998")
AT = 1_700_000_000.0
HOSTILE = "<!channel> *bold* `code` & <https://evil.example|click>\n• forged line"


def recorded_stats(name: str, release: str = "master-2025-12") -> list[Stat]:
    """Every successful GET /stat of one recording, in order."""
    exchanges = json.loads((RECORDED / release / f"{name}.json").read_text(encoding="utf-8"))
    return [
        Stat.model_validate_json(exchange["response"]["body"])
        for exchange in exchanges
        if exchange["request"]["method"] == "GET"
        and exchange["request"]["target"] == "/stat"
        and exchange["response"]["status"] == 200
    ]


def as_node(stat: Stat, node: int, **changes: Any) -> Stat:
    """The same view from another node."""
    return stat.model_copy(update={"raft_status": stat.raft_status.model_copy(update={"node_id": node, **changes})})


def polled(*given: Stat | ClusterError, cluster: str = "prod", hosts: tuple[str, ...] = HOSTS, **more: Any) -> Snapshot:
    """A snapshot in which the hosts gave these answers, in order."""
    answers = tuple(
        HostAnswer(host, 0.004, stat=answer) if isinstance(answer, Stat) else HostAnswer(host, 4.5, error=answer)
        for host, answer in zip(hosts, given, strict=False)
    )
    return Snapshot(cluster, AT, answers, **{"bad_disks": (), **more})


def healthy() -> Snapshot:
    """Three hosts that agree."""
    leader, follower = recorded_stats("stat_with_disks2")
    return polled(leader, follower, as_node(follower, 3))


def voter_down() -> Snapshot:
    """Voter 3 does not answer its leader, and its host refuses connections."""
    leader, follower = recorded_stats("stat_with_disks2")
    down = {"state": "StateProbe", "active": False}
    peers = tuple(peer.model_copy(update=down) if peer.id == 3 else peer for peer in leader.raft_status.peers)
    refused = ClusterUnreachable("10.0.0.3:9998 refuses connections.", host="10.0.0.3:9998")
    return polled(as_node(leader, 1, peers=peers), follower, refused)


def broken_disks() -> Snapshot:
    """Three hosts that agree, and two broken disks."""
    return replace(healthy(), bad_disks=(disk(7), disk(8)))


def degraded() -> Snapshot:
    """The leader 25 s after a follower was killed; that follower's host is silent."""
    leader = recorded_stats("stat_follower_killed")[-1]
    follower = as_node(recorded_stats("stat_with_disks2")[1], 1, term=6, leader=2, commit=94)
    return polled(follower, leader, ClusterUnreachable("10.0.0.3:9998 refuses connections.", host="10.0.0.3:9998"))


def leaderless() -> Snapshot:
    """One survivor after the quorum was lost."""
    survivor = recorded_stats("quorum_lost_leader_survives")[-1]
    late = ClusterTimeout("10.0.0.1:9998 gave no answer in 4 s.", host="10.0.0.1:9998")
    gone = ClusterUnreachable("10.0.0.3:9998 refuses connections.", host="10.0.0.3:9998")
    failed = ClusterTimeout("the disk list was not answered in 4 s.")
    return polled(late, survivor, gone, bad_disks=None, disks_error=failed)


def unreachable() -> Snapshot:
    """A snapshot without answers."""
    errors = [ClusterUnreachable(f"{host} refuses connections.", host=host) for host in HOSTS]
    return polled(*errors, bad_disks=None, disks_error=errors[0])


def hostile() -> Snapshot:
    """Every text that a cluster can set is an attack."""
    leader = recorded_stats("stat_with_disks2")[0]
    raft = leader.raft_status
    peers = tuple(peer.model_copy(update={"host": HOSTILE, "state": HOSTILE}) for peer in raft.peers)
    zone = leader.space_stat.disk_stat_infos[0].model_copy(update={"idc": HOSTILE})
    space = leader.space_stat.model_copy(update={"disk_stat_infos": (zone,)})
    mean = leader.model_copy(
        update={
            "leader_host": HOSTILE,
            "raft_status": raft.model_copy(update={"peers": peers, "raft_state": HOSTILE}),
            "space_stat": space,
        }
    )
    return polled(mean, ClusterUnreachable(HOSTILE), bad_disks=(disk(1, host=HOSTILE, path=HOSTILE, idc=HOSTILE),))


def disk(number: int, *, status: int = 2, host: str = "http://10.0.0.7:8899", idc: str = "z0", **more: Any) -> Disk:
    """One disk of a tebibyte, a quarter used."""
    facts = {"size": 1 << 40, "used": 1 << 38, "free": 3 << 38, "path": f"/data{number}", **more}
    return Disk(disk_id=number, status=status, host=host, idc=idc, **facts)


def seen(message: Message) -> str:
    """All that a person sees of a message's blocks, as text."""
    return "\n".join(_seen(block) for block in message.blocks)


def _seen(block: BlockJson) -> str:
    if block["type"] in KINDS:
        return as_text(block)
    if block["type"] == "container":
        return "\n".join((block["title"]["text"], *map(_seen, block["child_blocks"])))
    parts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    return "\n".join(_words(part) for part in parts if part)


def _words(part: BlockJson) -> str:
    text: Any = part["text"]
    return text if isinstance(text, str) else str(text["text"])


def assert_harmless(message: Message) -> None:
    """Assert that text from a cluster cannot mention, link, start a new line, or break out of code."""
    everything = json.dumps(message.to_json(), ensure_ascii=False)
    assert "<!channel>" not in everything
    assert "<https://evil" not in everything
    assert "\\n• forged" not in everything
    assert "&lt;!channel&gt;" in everything or "\u2039!channel\u203a" in everything


def assert_postable(message: Message) -> None:
    """Slack's limits hold: blocks, texts, tables."""
    assert 0 < len(message.blocks) <= 50
    assert 0 < len(message.text) <= 3000
    assert check_blocks(list(message.blocks)) == []
    of_tables = [texts(block) for block in message.blocks if block["type"] in KINDS]
    assert sum(len(cell) for rows in of_tables for row in rows for cell in row) <= 10_000 + 40
