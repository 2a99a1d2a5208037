"""Differences of the releases on the wire, as recorded (tests/contract): one frozen value for each release."""

from dataclasses import dataclass
from types import MappingProxyType

CODE_MODE = '[{"mode_name":"EC3P3","min_size":0,"max_size":5368709120,"size_ratio":1,"enable":true}]'


@dataclass(frozen=True, slots=True)
class Flavour:
    """The traits of one release; each name states what is true if the trait is set.

    `has_dashboard`: it answers /cluster/dashboard, as CubeFS of 2026 does by its source; no recorded server did.
    `leaves_counters`: repaired, dropping and dropped disks leave all counters of /stat. `node_drop_begins`: /node/drop
    starts the drop of all disks; otherwise it refuses a node whose disks are in use. `stats_by_kind`: schedulers
    answer `{blobnode, shard}`.
    """

    name: str
    snake_case: bool = False
    has_read_only: bool = True
    has_applying_length: bool = True
    has_readonly_space: bool = True
    has_shard_nodes: bool = False
    has_oversold: bool = False
    has_disk_sets: bool = True
    has_kv: bool = True
    has_topology: bool = True
    sets_by_kind: bool = False
    has_volume_epoch: bool = False
    has_dashboard: bool = False
    node_drop_begins: bool = False
    leaves_counters: bool = False
    scheduler_stats: bool = True
    stats_by_kind: bool = False
    config_list: bool = False
    file_config: tuple[tuple[str, str], ...] = ()
    system_keys: frozenset[str] = frozenset({"code_mode"})
    empty_value_is_unset: bool = False
    system_key_deletable: bool = False
    node_host_required: bool = True
    zero_peer_kills: bool = True
    member_addresses_from_file: bool = False
    drop_needs_readonly: bool = True
    dropping_may_break: bool = False
    no_disks_is_null: bool = False
    zero_row_without_disks: bool = False
    blob_nodes_need_heartbeat: bool = False
    form_type_refused: bool = True
    chunked_body_panics: bool = False
    open_pages: bool = False
    undecodable_token_passes: bool = False
    config_timeout: tuple[int, str] = (906, "raft propose error")
    member_timeout: tuple[int, str] = (906, "raft propose error")


_FILE = (("code_mode", CODE_MODE), ("volume_chunk_size", "16777216"), ("volume_reserve_size", "10485760"))

V1 = Flavour(
    name="v1",
    has_read_only=False,
    has_applying_length=False,
    has_readonly_space=False,
    has_disk_sets=False,
    has_kv=False,
    has_topology=False,
    config_list=True,
    file_config=(*_FILE, ("init_volume_num", "4")),
    empty_value_is_unset=True,
    system_key_deletable=True,
    node_host_required=False,
    zero_peer_kills=False,
    member_addresses_from_file=True,
    drop_needs_readonly=False,
    dropping_may_break=True,
    scheduler_stats=False,
    zero_row_without_disks=True,
    blob_nodes_need_heartbeat=True,
    form_type_refused=False,
    undecodable_token_passes=True,
    config_timeout=(400, "Illegal Arguments"),
    member_timeout=(500, "context deadline exceeded"),
)
V3_5 = Flavour(name="v3.5", file_config=_FILE, sets_by_kind=True, leaves_counters=True)
MASTER = Flavour(
    name="master",
    snake_case=True,
    has_shard_nodes=True,
    has_oversold=True,
    has_volume_epoch=True,
    node_drop_begins=True,
    stats_by_kind=True,
    file_config=(*_FILE, ("code_mode_extend", "null")),
    no_disks_is_null=True,
    chunked_body_panics=True,
    open_pages=True,
)

FLAVOURS = MappingProxyType({flavour.name: flavour for flavour in (V1, V3_5, MASTER)})
