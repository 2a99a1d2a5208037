"""The rules of the demo: holds and thresholds so short that each alert can be seen within two minutes."""

from collections.abc import Mapping
from types import MappingProxyType

_SETTLED = {"settled": "10s"}

FAST_RULES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "api_error": {"hold": "20s", "clear": "10s"},
        "slow_answers": {"hold": "20s", "clear": "20s", "limit": "1s"},
        "peer_lagging": {"hold": "20s", "clear": "10s", "newcomer": "30s"},
        "hosts_disagree": {"hold": "20s", "clear": "20s"},
        "stale_host": {"hold": "20s", "clear": "10s"},
        "leader_unseen": {"hold": "20s"},
        "leader_changed": {"window": "2m"},
        "apply_stalled": {"hold": "20s"},
        "learner_ready": {"hold": "20s", "clear": "1m"},
        "volumes_unreachable": {"hold": "20s"},
        "disk_expired": {"hold": "20s", **_SETTLED},
        "repair_stuck": {"after": "90s", "untold": "90s", "waiting": "45s"},
        "drop_stuck": {"after": "45s", "untold": "45s"},
        "writable_low": {"hold": "15s", "clear": "15s", **_SETTLED},
        "chunks_low": {"hold": "15s", "clear": "15s", **_SETTLED},
        "volumes_low": {"hold": "15s", "clear": "15s", **_SETTLED},
        "no_volume": {"hold": "20s", **_SETTLED},
        "scheduler_silent": {"hold": "20s", "clear": "10s"},
        "tasks_failing": {"hold": "20s", "clear": "20s"},
        "task_off_with_work": {"hold": "20s"},
        "task_off_too_long": {"after": "45s"},
    }
)
"""As under `rules` in the settings; every other value is the default."""
