"""Hosts that two clusters share, or that one names twice, however they are spelled. No I/O."""

from collections.abc import Mapping, Sequence

from bot.common.addresses import place


def meaning(host: str) -> str:
    """The address that a validated host stands for, whatever its scheme and spelling; localhost is an address too."""
    found = place(host)
    return found.replace("localhost:", "127.0.0.1:", 1) if found.startswith("localhost:") else found


def shared(hosts: Mapping[str, Sequence[str]]) -> str:
    """Which host two clusters share, or one names twice: what is wrong in a sentence, "" for nothing.

    Each is one Clustermgr to be watched once: else alerts double, and two changes could run there at a time.
    """
    seen: dict[str, tuple[str, str]] = {}
    for cluster, written in hosts.items():
        for host in written:
            first, as_written = seen.setdefault(meaning(host), (cluster, ""))
            if not as_written:
                seen[meaning(host)] = (cluster, host)
                continue
            spelt = f" ({as_written} is the same)" if as_written != host else ""
            if first == cluster:
                return f"clusters.{cluster}.hosts names {host} twice{spelt}: name each host once"
            return (
                f"the clusters {first} and {cluster} both have the host {host}{spelt}: "
                "a host belongs to one cluster; take it out of the other, or remove one of the two clusters"
            )
    return ""
