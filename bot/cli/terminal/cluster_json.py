"""What was read of a cluster as JSON with stable keys (docs/terminal.md). No I/O.

Times are ISO 8601 in UTC, sizes are bytes, and null stands for what was not read or does not apply. Foreign text is
kept as it came: JSON escapes control characters.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.alerting.cluster_status import cluster_status
from bot.alerting.quorum import proven_health, quorum_of
from bot.alerting.volume_risk import VolumeRisk, at_risk
from bot.clustermgr.disk_states import DiskState
from bot.clustermgr.health import lag, learners, voters
from bot.clustermgr.models import Disk, DiskStatus, HostAnswer, Snapshot, SpaceStat, Stat, ZoneDisks
from bot.clustermgr.tasks import TASKS, meaning_of
from bot.common.json_object import JsonObject
from bot.interactions.facts import OneDisk, Polled, TaskStates
from bot.views.disk_list import DiskList
from bot.views.parts import role
from bot.views.risk import RiskReport
from bot.views.risk_text import risk_text
from bot.views.status_text import listed_reasons, status_sentence
from bot.views.voter_text import voter_fault_text

_ZONE_COUNTS = ("broken", "repairing", "repaired", "dropping", "dropped", "readonly", "expired")


def iso(at: float) -> str | None:
    """Return Unix seconds as ISO 8601 in UTC; None for 0."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def members_json(found: Polled) -> JsonObject:
    """The verdict, the leader, the quorum, and every member and host."""
    snapshot = found.snapshot
    status = cluster_status(snapshot, found.previous, found.known)
    health = proven_health(snapshot, found.previous) if snapshot.leader else {}
    arithmetic = quorum_of(health) if health else None
    return {
        "cluster": snapshot.cluster,
        "at": iso(snapshot.at),
        "level": str(status.level),
        "sentence": status_sentence(status),
        "reasons": list(listed_reasons(status)),
        "leader": _leader(snapshot),
        "term": snapshot.term or None,
        "quorum": None
        if arithmetic is None
        else {
            "voters": arithmetic.voters,
            "needed": arithmetic.needed,
            "healthy": arithmetic.healthy,
            "can_lose": arithmetic.spare,
        },
        "members": list(_members(snapshot, found.previous)),
        "hosts": [_host(answer) for answer in snapshot.answers],
    }


def stat_json(found: Polled) -> JsonObject:
    """Everything of `members_json`, and the space, disks and volumes as the best host counts them."""
    snapshot = found.snapshot
    best = snapshot.best[1] if snapshot.best else None
    return {
        **members_json(found),
        "read_only": best.read_only if best else None,
        "counters_fresh": not found.known.fresh,
        "space": _space(best.space_stat) if best else None,
        "disks": _disk_counts(snapshot, best) if best else None,
        "zones": [_zone(zone) for zone in best.space_stat.disk_stat_infos] if best else [],
        "volumes": _volumes(best) if best else None,
        "risk": risk_text(found.known.risk.risk) if found.known.risk else None,
    }


def _leader(snapshot: Snapshot) -> JsonObject | None:
    if snapshot.leader is None:
        return None
    host, seen = snapshot.leader
    return {"peer": seen.raft_status.node_id, "host": host}


def _members(snapshot: Snapshot, previous: Snapshot | None) -> Iterator[JsonObject]:
    if snapshot.leader is None:
        return
    leader, health = snapshot.leader[1], proven_health(snapshot, previous)
    for peer in (*voters(leader), *learners(leader)):
        proof = health.get(peer.id)
        leads = peer.id == leader.raft_status.leader
        yield {
            "peer": peer.id,
            "raft_address": peer.host,
            "role": "leader" if leads else "learner" if peer.is_learner else "voter",
            "state": peer.state,
            "match": peer.match,
            "behind": lag(leader, peer),
            "active": peer.active,
            "healthy": None if proof is None else proof.healthy,
            "fault": voter_fault_text(proof.fault) if proof and not proof.healthy else None,
        }


def _host(answer: HostAnswer) -> JsonObject:
    return {
        "host": answer.host,
        "answered": answer.stat is not None,
        "peer": answer.stat.raft_status.node_id if answer.stat else None,
        "role": role(answer.stat) if answer.stat else None,
        "milliseconds": round(answer.took * 1000) if answer.stat else None,
        "error": str(answer.error) if answer.error else None,
    }


def _space(space: SpaceStat) -> JsonObject:
    return {
        "total": space.total_space,
        "used": space.used_space,
        "free": space.free_space,
        "writable": space.writable_space,
        "readonly": space.readonly_space,
        "reserved": space.reserved_space,
    }


def _disk_counts(snapshot: Snapshot, best: Stat) -> JsonObject:
    bad = snapshot.bad_disks
    return {
        "total": best.space_stat.total_disk,
        "blobnodes": best.space_stat.total_blob_node,
        "broken": None if bad is None else sum(disk.status == DiskStatus.BROKEN for disk in bad),
        "repairing": None if bad is None else sum(disk.status == DiskStatus.REPAIRING for disk in bad),
    }


def _zone(zone: ZoneDisks) -> JsonObject:
    return {
        "zone": zone.idc,
        "disks": zone.total,
        "available": zone.available,
        **{name: getattr(zone, name) for name in _ZONE_COUNTS},
        "chunks": zone.total_chunk,
        "free_chunks": zone.total_free_chunk,
    }


def _volumes(best: Stat) -> JsonObject:
    volumes = best.volume_stat
    return {
        "total": volumes.total_volume,
        "active": volumes.active_volume,
        "idle": volumes.idle_volume,
        "allocatable": volumes.can_alloc_volume,
        "locked": volumes.lock_volume,
        "unlocking": volumes.unlocking_volume,
    }


def disks_json(found: DiskList) -> JsonObject:
    """The number of disks in each state, and the disks that are shown."""
    listing, counts = found.listing, found.listing.counts()
    return {
        "cluster": found.cluster,
        "at": iso(found.at),
        "total": listing.total,
        "complete": listing.complete,
        "by_leader": listing.by_leader,
        "without_heartbeat": listing.expired,
        "counts": {state.value: counts[state] for state in DiskState},
        "filters": list(found.asked),
        "matching": found.total,
        "disks": [_disk(disk, listing.state_of(disk)) for disk in found.found[: found.limit]],
    }


def disk_json(found: OneDisk) -> JsonObject:
    """One disk, and whether it may be pulled."""
    safety = found.safety
    counted = safety.verdict.value not in {"uncounted", "no_leader"}
    state = DiskState.DROPPING if found.dropping else None
    return {
        "cluster": found.cluster,
        "at": iso(safety.at),
        **_disk(found.disk, state),
        "dropping": found.dropping,
        "pull": safety.verdict.value,
        "safe_to_pull": safety.verdict.value == "safe",
        "units": safety.units if counted else None,
        "volumes": list(safety.volumes) if counted else None,
    }


def _disk(disk: Disk, state: DiskState | None) -> JsonObject:
    try:
        status = DiskStatus(disk.status).name.lower()
    except ValueError:
        status = "unknown"
    return {
        "disk": disk.disk_id,
        "state": state.value if state else "readonly" if status == "normal" and disk.readonly else status,
        "status": disk.status,
        "readonly": disk.readonly,
        "zone": disk.idc,
        "rack": disk.rack,
        "host": disk.host,
        "path": disk.path,
        "size": disk.size,
        "used": disk.used,
        "free": disk.free,
        "chunks": disk.max_chunk_cnt,
        "free_chunks": disk.free_chunk_cnt,
        "used_chunks": disk.used_chunk_cnt,
    }


def tasks_json(found: TaskStates) -> JsonObject:
    """Each background task: its switch, what that means to the services, and what happens."""
    dialect, stored = found.detected.dialect, found.snapshot.switches or {}
    tasks: list[dict[str, Any]] = []
    for task in TASKS:
        key = task.keys.get(dialect) if dialect else None
        if dialect is None or key is None:
            continue
        does = found.activities.get(task.name)
        tasks.append(
            {
                "task": task.name,
                "key": key,
                "read": key in stored,
                "value": stored.get(key),
                "switch": meaning_of(stored[key], dialect).word if key in stored else None,
                "activity": does.kind.value if does else None,
                "waiting_disks": does.disks if does else None,
                "units_left": does.left if does else None,
            }
        )
    return {
        "cluster": found.snapshot.cluster,
        "at": iso(found.snapshot.at),
        "dialect": dialect.value if dialect else None,
        "tasks": tasks,
    }


def risk_json(found: RiskReport) -> JsonObject:
    """The volumes that have lost units or cannot reach them, the worst first."""
    survey = found.survey
    return {
        "cluster": found.cluster,
        "at": iso(found.at),
        "known": survey.known,
        "complete": survey.complete,
        "pending_volumes": survey.pending_volumes,
        "volumes": [_risk(each, found) for each in at_risk(found.risks)],
    }


def _risk(each: VolumeRisk, found: RiskReport) -> JsonObject:
    since = found.since.get(each.vid)
    return {
        "volume": each.vid,
        "level": each.standing.name.lower(),
        "can_lose": each.left,
        "code_mode": each.mode.name if each.mode else None,
        "code_mode_id": each.mode_id,
        "lost_on": list(each.lost),
        "unreachable_on": list(each.unreachable),
        "unreachable": each.away,
        "moving_on": list(each.moving),
        "since": iso(since.at) if since else None,
        "since_exact": since.exact if since else None,
    }
