"""Clusters by their names: the configured one that is meant, or a sentence on which there are. Pure."""

from collections.abc import Sequence

from bot.chatops.commands.usage import CLUSTER
from bot.common.errors import UserError
from bot.common.text import listed, shown, suggestion


def configured(name: str, clusters: Sequence[str]) -> str:
    """The configured cluster of that name; raises UserError that lists them."""
    if name.lower() not in clusters:
        raise UserError(f"There is no cluster {shown(name)}.{suggestion(name, clusters)} {all_of(clusters)}").at(
            CLUSTER
        )
    return name.lower()


def all_of(clusters: Sequence[str]) -> str:
    """The configured clusters in a sentence."""
    return f"Configured: {listed(clusters)}." if clusters else "No cluster is configured."
