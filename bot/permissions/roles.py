"""Roles, and the rights of one person: roles, user groups, and the groups that Slack did not list."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from bot.common.frozen import frozen


class Role(StrEnum):
    """A role of the settings' `access` section, by its singular; a viewer is anyone in the workspace."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"
    BREAKER = "breaker"

    @property
    def key(self) -> str:
        """The settings key that names its holders."""
        return f"access.{self.value}s"


HELD_ROLES = (Role.OPERATOR, Role.APPROVER, Role.ADMIN, Role.BREAKER)
"""The roles that the settings give to users and user groups, the weakest first."""


@frozen
class Rights:
    """The rights of one person; sources are role names and ids of user groups.

    `unknown` maps a source to the user group that Slack did not list; its members are treated as non-members. `empty`
    has the roles without holders in the settings. `places` has the settings keys of the roles that a cluster names
    itself.
    """

    user: str
    held: frozenset[str] = frozenset()
    unknown: Mapping[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, role: Role) -> str:
        """Return the settings key that names the holders of the role."""
        return self.places.get(role, role.key)

    def has(self, source: str) -> bool:
        """True if the person certainly holds the role or is in the user group."""
        return source in self.held
