"""Runbooks about switches and the read-only state."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.runbooks.runbook import Runbook

SWITCHES: Mapping[str, Runbook] = MappingProxyType(
    {
        "read_only": Runbook(
            "A read-only Clustermgr refuses all changes. It is normally set on purpose, in the nodes' own "
            "configuration files.",
            (
                "Ask who set it and why; where it is meant to last, `read_only: {enabled: false}` for that cluster.",
                "To end it, change the configuration of the nodes and restart them one by one, followers first.",
            ),
            "Releases that do not tell (BlobStore v1) never raise it.",
        ),
    }
)
