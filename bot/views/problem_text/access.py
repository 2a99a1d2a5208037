"""Words for the problems of rights. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.permissions import problems as p
from bot.permissions.roles import Role

_MAY: Mapping[Role, str] = MappingProxyType(
    {Role.OPERATOR: "only read", Role.BREAKER: "not use break-glass (`force=yes`)"}
)
_ASK = "Ask an administrator of cmbot to add you, or a user group you are in,"


def _place(role: Role, cluster: str) -> str:
    """Return the settings key that names the holders of a role."""
    return f"clusters.{cluster}.{role.key}" if cluster else role.key


def role_without_holders(problem: p.RoleWithoutHolders) -> str:
    """The settings name no holders."""
    place = _place(problem.role, problem.cluster)
    if problem.role is not Role.OPERATOR:
        return f"The settings name no one under `{place}`."
    return (
        "No one may change anything, because no operators are configured. "
        f"Name users or user groups under `{place}` in the settings and restart."
    )


def role_unproven(problem: p.RoleUnproven) -> str:
    """Slack did not list a user group of the role."""
    return f"Refused for now, because Slack did not list the {problem.role.value} group {problem.group}. Try again."


def role_not_held(problem: p.RoleNotHeld) -> str:
    """The person does not hold the role."""
    role, cluster = problem.role, problem.cluster
    article = "an" if role.value[0] in "aeo" else "a"
    where, there = (f" on {cluster}", " there") if cluster else ("", "")
    return (
        f"You are not {article} {role.value}{where}, so you may {_MAY.get(role, 'not do this')}{there}. "
        f"{_ASK} to `{_place(role, cluster)}` in its settings."
    )


def role_held_nowhere(problem: p.RoleHeldNowhere) -> str:
    """The person holds the role on no cluster."""
    role = problem.role
    return (
        f"You hold the role {role.value} on no cluster. "
        f"{_ASK} to `{role.key}` in its settings, or to `clusters[].{role.key}` for one cluster."
    )


def group_unproven(problem: p.GroupUnproven) -> str:
    """Slack did not list a user group."""
    return f"Refused for now, because Slack did not list the user group {problem.group}. Try again."


def not_in_group(problem: p.NotInGroup) -> str:
    """The person is not in a user group."""
    return f"You are not in the user group {problem.group}, so you may not do this. Ask the owner of that group."
