"""Problems of rights: what a person lacks, without words. No I/O."""

from dataclasses import dataclass

from bot.common.errors import Problem
from bot.permissions.roles import Role


@dataclass(frozen=True, slots=True)
class RoleWithoutHolders(Problem):
    """The settings name no one for the role; `cluster` is "" for the roles of all clusters."""

    role: Role
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class RoleUnproven(Problem):
    """Slack did not list that user group of the role; `group` is its id, with Slack's error code."""

    role: Role
    group: str


@dataclass(frozen=True, slots=True)
class RoleNotHeld(Problem):
    """The person does not hold the role; `cluster` is "" for the roles of all clusters."""

    role: Role
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class RoleHeldNowhere(Problem):
    """The person holds the role neither for all clusters nor on one."""

    role: Role


@dataclass(frozen=True, slots=True)
class GroupUnproven(Problem):
    """Slack did not list the user group that a policy names; `group` is its id, with Slack's error code."""

    group: str


@dataclass(frozen=True, slots=True)
class NotInGroup(Problem):
    """The person is not in the user group that a policy names."""

    group: str


RoleMissing = RoleWithoutHolders | RoleUnproven | RoleNotHeld
SourceMissing = RoleMissing | GroupUnproven | NotInGroup
