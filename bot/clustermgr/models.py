"""Wire models for every release, and Snapshot: the answers of all hosts of one cluster in one poll.

The shapes follow the recorded exchanges (tests/contract). Releases up to v3.5.3 spell the raft fields in camelCase,
later ones in snake_case. A list that is absent or null is empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import IntEnum
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AliasChoices, Field, RootModel
from pydantic.alias_generators import to_camel

from bot.clustermgr.scheduler_survey import SchedulerSurvey
from bot.clustermgr.tasks import Dialect
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.clustermgr.wire import Count, Flag, NullIsEmpty, Number, OpenModel, Others, SlottedRow, Text, WireModel
from bot.common.errors import ClusterError
from bot.common.frozen import frozen


def _both(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


MAX_PEERS = 1_000
"""Limit of members of one raft group, or zones of one cluster."""
MAX_DISKS_IN_ANSWER = 5_000
"""Limit of disks in one answer; the list of dropping disks has no pages."""
MAX_SERVICES = 5_000
"""Limit of registered services in one answer; it has no pages."""
MAX_SWITCHES = 1_000
"""Limit of stored keys in one answer."""


def _state(written: str) -> str:
    """Spell a peer's state as later releases do: raft libraries up to 2019 send `ProgressStateReplicate`."""
    return written.removeprefix("Progress")


class Peer(WireModel):
    """A raft member in its leader's view; `host` is the raft address, `match` and `next` are log indices."""

    id: Count
    host: Text = ""
    match: Count = 0
    next: Count = 0
    state: Annotated[Text, AfterValidator(_state)] = ""
    paused: Flag = False
    pending_snapshot: Count = Field(0, validation_alias=_both("pending_snapshot"))
    active: Flag = False
    is_learner: Flag = Field(default=False, validation_alias=_both("is_learner"))
    is_inflight_full: Flag = Field(default=False, validation_alias=_both("is_inflight_full"))
    inflight_count: Count = Field(0, validation_alias=_both("inflight_count"))


class RaftStatus(OpenModel):
    """The raft state of the node that answered; only the leader fills `peers`; `leader` is 0 if there is none."""

    node_id: Count = Field(0, validation_alias=_both("node_id"))
    term: Count = 0
    vote: Count = 0
    commit: Count = 0
    leader: Count = 0
    raft_state: Text = Field("", validation_alias=_both("raft_state"))
    applied: Count = 0
    raft_applied: Count = Field(0, validation_alias=_both("raft_applied"))
    applying_length: Count = Field(0, validation_alias=_both("applying_length"))
    transferee: Count = 0
    peers: Annotated[tuple[Peer, ...], Field(max_length=MAX_PEERS, fail_fast=True), NullIsEmpty(tuple)] = ()


class ZoneDisks(OpenModel):
    """Disk and chunk counters of one zone (idc); counters overlap and may lag by minutes."""

    unused: ClassVar[frozenset[str]] = frozenset({"total_oversold_free_chunk"})
    idc: Text = ""
    total: Count = 0
    total_chunk: Number = 0
    total_free_chunk: Number = 0
    available: Count = 0
    readonly: Count = 0
    expired: Count = 0
    broken: Count = 0
    repairing: Count = 0
    repaired: Count = 0
    dropping: Count = 0
    dropped: Count = 0


class SpaceStat(OpenModel):
    """Space in bytes."""

    total_space: Number = 0
    free_space: Number = 0
    used_space: Number = 0
    writable_space: Number = 0
    readonly_space: Number = 0
    reserved_space: Number = 0
    total_blob_node: Count = 0
    total_disk: Count = 0
    disk_stat_infos: Annotated[
        tuple[ZoneDisks, ...], Field(max_length=MAX_PEERS, fail_fast=True), NullIsEmpty(tuple)
    ] = ()


class VolumeStat(OpenModel):
    """Volumes by state."""

    total_volume: Count = 0
    idle_volume: Count = 0
    can_alloc_volume: Count = 0
    active_volume: Count = 0
    lock_volume: Count = 0
    unlocking_volume: Count = 0


class Stat(OpenModel):
    """GET /stat in the view of the node that answered; `read_only` is None if the release does not send it."""

    unused: ClassVar[frozenset[str]] = frozenset({"shard_node_space_stat"})
    leader_host: Text = ""
    read_only: Flag | None = None
    raft_status: RaftStatus
    space_stat: SpaceStat = SpaceStat()
    volume_stat: VolumeStat = VolumeStat()

    @property
    def all_others(self) -> Others:
        """The unknown fields of the answer and of its parts, by their paths; of the zones those of the first one."""
        parts: tuple[tuple[str, OpenModel], ...] = (
            ("", self),
            ("raft_status.", self.raft_status),
            ("space_stat.", self.space_stat),
            ("volume_stat.", self.volume_stat),
            *(("space_stat.disk_stat_infos.", zone) for zone in self.space_stat.disk_stat_infos[:1]),
        )
        return tuple((f"{path}{name}", value) for path, part in parts for name, value in part.others)

    @property
    def claims_leadership(self) -> bool:
        """True if this node names itself the leader."""
        return self.raft_status.node_id != 0 and self.raft_status.node_id == self.raft_status.leader


class DiskStatus(IntEnum):
    """The state of a disk; it only moves forward."""

    NORMAL = 1
    BROKEN = 2
    REPAIRING = 3
    REPAIRED = 4
    DROPPED = 5


@frozen
class Disk(SlottedRow):
    """One disk; sizes in bytes, `status` is a DiskStatus or a number of a later release; v1 sends no `node_id`."""

    unused: ClassVar[frozenset[str]] = frozenset({"cluster_id", "disk_set_id", "oversold_free_chunk_cnt"})
    repeated: ClassVar[tuple[str, ...]] = ("idc", "rack", "host", "path")
    disk_id: Count
    status: Count = 0
    idc: Text = ""
    rack: Text = ""
    host: Text = ""
    path: Text = ""
    node_id: Count | None = None
    readonly: Flag = False
    used: Number = 0
    free: Number = 0
    size: Number = 0
    max_chunk_cnt: Number = 0
    free_chunk_cnt: Number = 0
    used_chunk_cnt: Number = 0
    create_time: Text = ""
    last_update_time: Text = ""
    others: Others = ()


class DiskInfo(RootModel[Disk]):
    """GET /disk/info."""


class DiskPage(WireModel):
    """One page of GET /disk/list; `marker` is the last id of the page, 0 or unchanged at the end."""

    disks: Annotated[tuple[Disk, ...], Field(max_length=MAX_DISKS_IN_ANSWER, fail_fast=True), NullIsEmpty(tuple)] = ()
    marker: Count = 0


class Service(OpenModel):
    """One registered service of GET /service/list; `name` is `SCHEDULER`, `PROXY`, `BLOBNODE` and so on."""

    cluster_id: Count = 0
    name: Text = ""
    host: Text = ""
    idc: Text = ""


class ServiceList(WireModel):
    """GET /service/list; `nodes` is null when no service is registered."""

    nodes: Annotated[tuple[Service, ...], Field(max_length=MAX_SERVICES, fail_fast=True), NullIsEmpty(tuple)] = ()


class DashboardPage(WireModel):
    """GET /cluster/dashboard, whose parts are known in outline only (bot.clustermgr.dashboard keeps what fits)."""

    volume_safety: Any = None
    service: Any = None


class KeyValue(WireModel):
    """One pair of GET /kv/list; `value` is base64."""

    key: Text
    value: Text = ""


class KvPage(WireModel):
    """GET /kv/list."""

    kvs: Annotated[tuple[KeyValue, ...], Field(max_length=MAX_SWITCHES, fail_fast=True), NullIsEmpty(tuple)] = ()


class ConfigList(WireModel):
    """GET /config/list."""

    configs: Annotated[Mapping[str, Text], Field(max_length=MAX_SWITCHES), NullIsEmpty(dict)] = Field(
        default_factory=dict
    )


@frozen
class HostAnswer:
    """The answer of one configured host to `/stat`, or its error; `took` in seconds."""

    host: str
    took: float
    stat: Stat | None = None
    error: ClusterError | None = None


def leader_of(answers: Iterable[HostAnswer]) -> tuple[str, Stat] | None:
    """The host that names itself the leader in the highest term; None if there is none, or two of one term."""
    claims = [(answer.host, answer.stat) for answer in answers if answer.stat and answer.stat.claims_leadership]
    if not claims:
        return None
    top = max(stat.raft_status.term for _, stat in claims)
    of_top_term = [claim for claim in claims if claim[1].raft_status.term == top]
    return of_top_term[0] if len(of_top_term) == 1 else None


@frozen
class ZoneChunks:
    """Free and total chunks of one zone (idc) on disks that take new chunks."""

    idc: str
    free: int = 0
    total: int = 0


@frozen
class Snapshot:
    """All answers and errors of one poll of a cluster; `at` in Unix seconds (UTC).

    None stands for a part that was not read or not answered.

    - `bad_disks`: the disks of status 2 and 3 in `/disk/list`; `disks_error` is the reason when None.
    - `switches`: the raw stored value of each key (None: unset); `dialect` is the dialect of the keys, None if any.
    - `dropping`: the disks that are being dropped.
    - `chunks`: the volume chunks left on disks that are repaired or dropped, by disk id.
    - `zones`: the usable chunks of each zone in the whole disk list.
    - `volumes`: the volumes with a unit on a disk that is not safe, as far as they are read.
    - `services`: the services that registered themselves.
    - `schedulers`: the statistics of the schedulers that the settings name or allow.

    Switches, `dropping`, `chunks`, `zones`, `services` and `schedulers` are read only in slow polls. `complete` is
    True if every read has ended; otherwise a silent host may only be slow.
    """

    cluster: str
    at: float
    answers: tuple[HostAnswer, ...]
    bad_disks: tuple[Disk, ...] | None = None
    disks_error: ClusterError | None = None
    switches: Mapping[str, str | None] | None = field(default=None)
    dialect: Dialect | None = None
    dropping: tuple[Disk, ...] | None = None
    chunks: Mapping[int, int] | None = None
    zones: tuple[ZoneChunks, ...] | None = None
    volumes: VolumeSurvey | None = None
    services: tuple[Service, ...] | None = None
    schedulers: SchedulerSurvey | None = None
    complete: bool = True
    leader: tuple[str, Stat] | None = field(init=False, compare=False, repr=False)
    """The configured host that names itself the leader in the highest term; None if there is none.

    Two such hosts of one term contradict each other, so the result is None.
    """

    shortened: "Snapshot | None" = field(default=None, init=False, compare=False, repr=False)
    """This snapshot by its raft state alone, once it was made: those who keep it for comparison share it."""

    def __post_init__(self) -> None:
        """Find the leader once: it is asked for a hundred times in a poll."""
        object.__setattr__(self, "leader", leader_of(self.answers))

    @property
    def answered(self) -> tuple[tuple[str, Stat], ...]:
        """(host, stat) of each host that answered, in configured order."""
        return tuple((answer.host, answer.stat) for answer in self.answers if answer.stat is not None)

    @property
    def silent(self) -> tuple[HostAnswer, ...]:
        """The hosts that gave no usable answer."""
        return tuple(answer for answer in self.answers if answer.stat is None)

    @property
    def expired_disks(self) -> int:
        """Number of disks without a heartbeat by the leader's counters, which lag by minutes; 0 without a leader."""
        zones = self.leader[1].space_stat.disk_stat_infos if self.leader else ()
        return sum(zone.expired for zone in zones)

    @property
    def term(self) -> int:
        """The highest term of all answers; 0 if no host answered."""
        return max((stat.raft_status.term for _, stat in self.answered), default=0)

    @property
    def named_leaders(self) -> frozenset[int]:
        """The peer ids that hosts of the highest term name as leader, without 0 ("none")."""
        top = self.term
        return frozenset(
            stat.raft_status.leader
            for _, stat in self.answered
            if stat.raft_status.term == top and stat.raft_status.leader
        )

    @property
    def best(self) -> tuple[str, Stat] | None:
        """The leader's own view, else the answer with the highest term and commit, else None."""
        if self.leader is not None:
            return self.leader
        ranked = sorted(self.answered, key=lambda a: (a[1].raft_status.term, a[1].raft_status.commit), reverse=True)
        return ranked[0] if ranked else None
