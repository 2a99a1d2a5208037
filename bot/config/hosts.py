"""A host as what it means, so that two spellings of one address compare equal. Pure."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address


def meaning(host: str) -> tuple[str, int]:
    """The name or address and the port that a validated host stands for, whatever its scheme and spelling."""
    bare = host.strip().casefold().partition("://")[2] or host.strip().casefold()
    name, _, port = bare.rstrip("/").rpartition(":")
    name = name.removeprefix("[").removesuffix("]").rstrip(".")
    if name == "localhost":
        name = "127.0.0.1"
    with suppress(ValueError):
        address = ip_address(name)
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        name = str(mapped or address)
    return name, int(port)


def shared(hosts: Mapping[str, Sequence[str]]) -> str:
    """Which host two clusters share, or one names twice: what is wrong in a sentence, "" for nothing.

    Each is one Clustermgr to be watched once: else alerts double, and two changes could run there at a time.
    """
    seen: dict[tuple[str, int], tuple[str, str]] = {}
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
