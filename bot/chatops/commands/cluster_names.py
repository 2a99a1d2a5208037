"""Names of clusters: the configured cluster of a name, or an error that lists them. No I/O."""

from collections.abc import Sequence

from bot.chatops.commands.usage import CLUSTER
from bot.common.errors import UserError
from bot.common.text import listed, shown, suggestion


def configured(name: str, clusters: Sequence[str]) -> str:
    """Return the configured cluster of that name; raises UserError that lists them."""
    if name.lower() not in clusters:
        raise UserError(f"There is no cluster {shown(name)}.{suggestion(name, clusters)} {all_of(clusters)}").at(
            CLUSTER
        )
    return name.lower()


def all_of(clusters: Sequence[str]) -> str:
    """Return the configured clusters as a sentence."""
    return f"Configured: {listed(clusters)}." if clusters else "No cluster is configured."
