"""Words for the rights of a person. No I/O."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from bot.common.text import listed
from bot.permissions.access import ClusterStanding, HeldRole, Standing
from bot.permissions.roles import Role
from bot.views.problem_text.table import problem_text

_READS = "You may use every command that only reads."
_READS_MOST = "You may use every command that only reads, except `/cm audit`, which is for operators."
_MAY: Mapping[Role, str] = MappingProxyType(
    {
        Role.OPERATOR: "You are an *operator*: you may propose changes",
        Role.APPROVER: "You are an *approver*: you may approve or reject the changes of others",
        Role.ADMIN: "You are an *admin*: you may cancel and settle any operation",
        Role.BREAKER: "You hold *break-glass*: you may propose changes with `force=yes`",
    }
)
_NAMES: Mapping[Role, str] = MappingProxyType(
    {
        Role.OPERATOR: "operator",
        Role.APPROVER: "approver",
        Role.ADMIN: "admin",
        Role.BREAKER: "break-glass",
    }
)
_NAMED = " (`clusters[].access` in the settings)"


def standing_text(standing: Standing) -> Iterator[str]:
    """Yield sentences on what a person may do and why, then on the clusters that name roles themselves."""
    yield _READS if standing.audits else _READS_MOST
    yield from map(_held, standing.held)
    if standing.lacks is not None:
        yield problem_text(standing.lacks)
    yield from map(_on_clusters, standing.clusters)


def _held(held: HeldRole) -> str:
    named, member = f"you are named in `{held.role.key}.users`", f"you are in a user group of the {held.role.value}s"
    return f"{_MAY[held.role]}: {named if held.by_name else member}."


def _on_clusters(standing: ClusterStanding) -> str:
    return f"On {listed(standing.clusters)} {_roles(standing)}{_NAMED}."


def _roles(standing: ClusterStanding) -> str:
    if standing.roles:
        return f"you are {listed([f'*{_NAMES[role]}*' for role in standing.roles])} only"
    unlisted = ", ".join(standing.unlisted)
    return f"you hold no role{f', because Slack did not list {unlisted}' if unlisted else ', so you may only read'}"
