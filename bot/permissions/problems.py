"""Problems of rights: what a person lacks, without words. No I/O."""

from bot.common.errors import Problem
from bot.common.frozen import frozen
from bot.permissions.roles import Role


@frozen
class RoleWithoutHolders(Problem):
    """The settings name no one for the role; `cluster` is "" for the roles of all clusters."""

    role: Role
    cluster: str = ""


@frozen
class RoleUnproven(Problem):
    """Slack did not list that user group of the role; `group` is its id, with Slack's error code."""

    role: Role
    group: str


@frozen
class RoleNotHeld(Problem):
    """The person does not hold the role; `cluster` is "" for the roles of all clusters."""

    role: Role
    cluster: str = ""


@frozen
class RoleHeldNowhere(Problem):
    """The person holds the role neither for all clusters nor on one."""

    role: Role


@frozen
class GroupUnproven(Problem):
    """Slack did not list the user group that a policy names; `group` is its id, with Slack's error code."""

    group: str


@frozen
class NotInGroup(Problem):
    """The person is not in the user group that a policy names."""

    group: str


RoleMissing = RoleWithoutHolders | RoleUnproven | RoleNotHeld
SourceMissing = RoleMissing | GroupUnproven | NotInGroup
