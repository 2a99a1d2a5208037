"""What one person may do: the roles they hold, the user groups they are in, and what Slack could not tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """A role of the settings' `access` section, by its singular; a viewer is anyone in the workspace."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"
    BREAKER = "breaker"

    @property
    def key(self) -> str:
        """Where the settings name who holds it."""
        return f"access.{self.value}s"


HELD_ROLES = (Role.OPERATOR, Role.APPROVER, Role.ADMIN, Role.BREAKER)
"""The roles that the settings give to users and user groups, the least first."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What is known of one person; sources are role names and ids of user groups.

    `unknown` maps a source to the user group that Slack could not list: whoever may be in it is treated as not in it.
    `empty` are the roles for which the settings name nobody. `places` is where the
    settings name who holds a role, for those that a cluster names itself.
    """

    user: str
    held: frozenset[str] = frozenset()
    unknown: Mapping[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, role: Role) -> str:
        """Where the settings name who holds that role."""
        return self.places.get(role, role.key)

    def has(self, source: str) -> bool:
        """Whether they hold that role or are in that user group, for certain."""
        return source in self.held

    @property
    def any_role(self) -> bool:
        """Whether they hold any role at all."""
        return any(self.has(role) for role in HELD_ROLES)
