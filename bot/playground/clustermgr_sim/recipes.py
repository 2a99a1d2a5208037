"""What to press to see each alert: recipes for the panel of the demo, each within two minutes of simulated time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from bot.playground.clustermgr_sim import disks as d
from bot.playground.clustermgr_sim.cluster import SimulatedCluster, raft_host
from bot.playground.clustermgr_sim.nodes import Member
from bot.playground.clustermgr_sim.raft import NotPossible

Clusters = Sequence[SimulatedCluster]
Does = Callable[[SimulatedCluster, Clusters], Awaitable[None]]
_MANY = 100_000
_BEHIND = 5_000
_BETWEEN = 5.0
"""Seconds between two elections: each must be seen by a poll."""
_COUNTED = 420.0
"""Seconds until disks are counted again and the rule has held: cmbot reads long lists seldom, in the demo too."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One alert: the words for a person, and the same as a function of the chosen cluster and all clusters.

    The alert is seen `within` so many seconds.
    """

    press: str
    does: Does
    within: float = 120.0


def _follower(cluster: SimulatedCluster) -> int:
    leader = cluster.leader
    found = [node for node in sorted(cluster.raft.members) if node != leader and cluster.raft.is_live(node)]
    if not leader or not found:
        raise NotPossible("there is no leader with a follower now: restore all nodes first")
    return found[-1]


def _normal(cluster: SimulatedCluster) -> int:
    found = [disk.disk_id for disk in cluster.data.disks.values() if disk.status == d.NORMAL and not disk.dropping]
    if not found:
        raise NotPossible("no disk is normal any more")
    return found[0]


async def _kill_all(cluster: SimulatedCluster, _all: Clusters) -> None:
    for node in cluster.nodes:
        await cluster.kill(node.node_id)


async def _kill_everything(_cluster: SimulatedCluster, every: Clusters) -> None:
    for each in every:
        await _kill_all(each, every)


def _write(cluster: SimulatedCluster, entries: int) -> None:
    """Commit so many entries, as busy clients do in a while."""
    leader = cluster.raft.leader()
    if leader is None:
        raise NotPossible("there is no leader now: restore all nodes first")
    leader.commit += entries
    cluster.raft.settle()


async def _silent(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.slow(_follower(cluster), 60.0)


async def _fail(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.fail_next(500, _MANY, node=_follower(cluster), words="internal error")


async def _reject(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.fail_next(403, _MANY)


async def _slow(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.slow(_follower(cluster), 1.5)


async def _lose_quorum(cluster: SimulatedCluster, _all: Clusters) -> None:
    await cluster.lose_quorum()


async def _elect(cluster: SimulatedCluster, _all: Clusters) -> None:
    await cluster.elect(_follower(cluster))


async def _flap(cluster: SimulatedCluster, every: Clusters) -> None:
    for _ in range(3):
        await _elect(cluster, every)
        await asyncio.sleep(_BETWEEN)


async def _add_learner(cluster: SimulatedCluster, _all: Clusters) -> None:
    node = await cluster.add_node()
    cluster.raft.add_member(Member(node, raft_host(node), cluster.host(node), learner=True))


async def _kill_learner(cluster: SimulatedCluster, every: Clusters) -> None:
    await _add_learner(cluster, every)
    await cluster.kill(max(cluster.raft.members))


async def _fall_behind(cluster: SimulatedCluster, every: Clusters) -> None:
    # A voter that lags is reported as the quorum at risk.
    await _add_learner(cluster, every)
    cluster.fall_behind(max(cluster.raft.members), _BEHIND)
    _write(cluster, 2 * _BEHIND)


async def _kill_follower(cluster: SimulatedCluster, _all: Clusters) -> None:
    await cluster.kill(_follower(cluster))


async def _forget_member(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.raft.remove_member(_follower(cluster))


async def _lead_from_elsewhere(cluster: SimulatedCluster, _all: Clusters) -> None:
    node = await cluster.add_node()
    cluster.raft.add_member(Member(node, raft_host(node), cluster.host(node)))
    await cluster.elect(node)


async def _stall(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.stall(cluster.leader)
    _write(cluster, _BEHIND)


async def _read_only(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.set_read_only(value=True)


async def _risk_volume(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.risk_volume()


async def _lose_volume(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.engine.tick()
    volume = next(iter(cluster.data.volumes))
    for unit in volume.units[: len(volume.units) // 2 + 1]:
        cluster.break_disk(unit.disk_id)


async def _expire_zone(cluster: SimulatedCluster, _all: Clusters) -> None:
    zone = cluster.data.disks[_normal(cluster)].idc
    for disk in list(cluster.data.disks.values()):
        if disk.idc == zone:
            cluster.expire_disk(disk.disk_id)


async def _expire_disk(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.expire_disk(_normal(cluster))


async def _land_on_repaired(cluster: SimulatedCluster, _all: Clusters) -> None:
    disk = _normal(cluster)
    cluster.break_disk(disk)
    cluster.repair_disk(disk, "repaired")
    cluster.land_unit(disk)


async def _break_disk(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.break_disk(_normal(cluster))


async def _stop_scheduler(cluster: SimulatedCluster, _all: Clusters) -> None:
    await cluster.stop_scheduler(1)


async def _repair_without_work(cluster: SimulatedCluster, every: Clusters) -> None:
    await _break_disk(cluster, every)
    cluster.engine.background.stopped = True


async def _drop_without_work(cluster: SimulatedCluster, every: Clusters) -> None:
    await _drop(cluster, every)
    cluster.engine.background.stopped = True


async def _drop(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.drop_disk(_normal(cluster))


async def _fill(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.fill_space(0.98)
    cluster.recount()


async def _fill_chunks(cluster: SimulatedCluster, _all: Clusters) -> None:
    zone = cluster.data.disks[_normal(cluster)].idc
    for disk in cluster.data.disks.values():
        if disk.idc == zone:
            disk.free_chunks = disk.max_chunks // 50
    cluster.recount()


async def _few_volumes(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.set_allocatable(1)


async def _fail_tasks(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.fail_tasks("shard_repair", 30)


def _switch(cluster: SimulatedCluster, key: str, *, on: bool) -> None:
    words = ("Enable", "Disable") if cluster.flavour.name == "v1" else ("true", "false")
    cluster.set_switch(key, words[not on])


async def _off_with_work(cluster: SimulatedCluster, every: Clusters) -> None:
    _switch(cluster, "disk_repair", on=False)
    await _break_disk(cluster, every)


async def _off(cluster: SimulatedCluster, _all: Clusters) -> None:
    _switch(cluster, "balance", on=False)


async def _meaningless(cluster: SimulatedCluster, _all: Clusters) -> None:
    cluster.set_switch("balance", "yes" if cluster.flavour.name == "v1" else "Enable")


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "cluster_unreachable": Recipe("Kill every node", _kill_all),
        "host_unreachable": Recipe("One follower answers a minute late", _silent),
        "api_error": Recipe("One follower answers 500", _fail),
        "auth_rejected": Recipe("Every node answers 403", _reject),
        "slow_answers": Recipe("One follower answers 1.5 s late", _slow),
        "no_leader": Recipe("Lose quorum", _lose_quorum),
        "leader_changed": Recipe("Nodes: Elect on a follower", _elect),
        "leader_flapping": Recipe("Nodes: Elect three times, 5 s apart", _flap),
        "peer_down": Recipe("A learner joins, and is killed", _kill_learner),
        "peer_lagging": Recipe("A learner joins, and falls 5,000 entries behind", _fall_behind),
        "quorum_at_risk": Recipe("Nodes: Kill a follower", _kill_follower),
        "stale_host": Recipe("A follower is removed from the group, and runs on", _forget_member),
        "leader_unseen": Recipe("A new node, not in the settings, leads", _lead_from_elsewhere),
        "apply_stalled": Recipe("The leader stops applying its log", _stall),
        "learner_ready": Recipe("A learner joins, and catches up", _add_learner),
        "membership_changed": Recipe("A learner joins", _add_learner),
        "read_only": Recipe("Space: Read-only", _read_only),
        "volumes_lost": Recipe("Disks break that hold most units of one volume", _lose_volume),
        "volumes_at_risk": Recipe("Put a volume at risk", _risk_volume),
        "volumes_unreachable": Recipe("All disks of one zone lose their heartbeat", _expire_zone),
        "disk_not_empty": Recipe("Land a unit on a repaired disk", _land_on_repaired, _COUNTED),
        "disk_broken": Recipe("Break a disk", _break_disk),
        "disk_expired": Recipe("Disks: one loses its heartbeat", _expire_disk),
        "repair_stuck": Recipe("Break a disk while nothing repairs", _repair_without_work),
        "drop_stuck": Recipe("Start draining a disk while nothing moves", _drop_without_work),
        "disk_dropping": Recipe("Start draining disk", _drop),
        "writable_low": Recipe("Space used: 98 %", _fill),
        "chunks_low": Recipe("The disks of one zone have no chunk to spare", _fill_chunks, _COUNTED),
        "volumes_low": Recipe("One volume can be allocated", _few_volumes),
        "scheduler_silent": Recipe("Background tasks: Stop the scheduler", _stop_scheduler),
        "tasks_failing": Recipe("Shard repair fails 30 times a minute", _fail_tasks),
        "task_off_with_work": Recipe("Switch disk_repair off, then break a disk", _off_with_work),
        "task_off_too_long": Recipe("Switch balance off, and wait", _off),
        "switch_meaningless": Recipe("Store a word for balance that no service knows", _meaningless),
        "switch_changed": Recipe("Switch balance off", _off),
        "own_network": Recipe("Kill every node of every cluster", _kill_everything),
    }
)
"""By the rule, in the order of the rules table."""

NOT_SEEN: Mapping[str, str] = MappingProxyType(
    {
        "hosts_disagree": "needs two leaders of one group, which the simulated raft never has",
        "no_volume": "needs a cluster that never had a volume",
        "watch_blind": "needs a fault of cmbot itself",
        "external": "needs an Alertmanager",
    }
)
"""Rules that no button shows, with the reason."""


def routes(clusters: Mapping[str, SimulatedCluster]) -> list[web.RouteDef]:
    """The routes of the panel: the list of recipes, and one recipe done to a cluster."""

    async def listed(_request: web.Request) -> web.Response:
        recipes = [{"rule": rule, "press": each.press, "within": each.within} for rule, each in RECIPES.items()]
        return web.json_response({"ok": True, "recipes": recipes, "not_seen": dict(NOT_SEEN)})

    async def do(request: web.Request) -> web.Response:
        cluster, recipe = clusters.get(request.match_info["cluster"]), RECIPES.get(request.match_info["rule"])
        if cluster is None or recipe is None:
            return web.json_response({"ok": False, "error": "no such alert or cluster"}, status=HTTPStatus.NOT_FOUND)
        try:
            await recipe.does(cluster, tuple(clusters.values()))
        except NotPossible as error:
            return web.json_response({"ok": False, "error": str(error)}, status=HTTPStatus.CONFLICT)
        return web.json_response({"ok": True})

    return [web.get("/control/alerts", listed), web.post("/control/alerts/{cluster}/{rule}", do)]
