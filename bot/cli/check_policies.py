"""What `cmbot check` says about people: who holds each role, and if enough of them can meet each policy."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product

from bot.cli.check_row import CheckRow
from bot.common.errors import ConfigError
from bot.common.frozen import frozen
from bot.common.text import count
from bot.config import AccessSettings, Members, Settings
from bot.operations.policy import POLICIES, Policy, PolicyMode, of_agent, short_of
from bot.permissions.roles import HELD_ROLES, Role
from bot.runtime.settings_mapping import code_key, code_required, mode_of, names_no_default, policy
from bot.views.decisions import shortfall_text
from bot.views.policy_text import MODES, UNSET, UNSET_FIX

GroupMembers = Mapping[str, frozenset[str]]
"""Members of user groups, by the id of the group; a group that Slack did not list is missing."""

_passed = partial(CheckRow, well=True)
_failed = partial(CheckRow, well=False)


def mode_row(settings: Settings, began_as: PolicyMode) -> CheckRow:
    """Return a row for the default policies: a warning while one person may decide because nothing is set."""
    if names_no_default(settings, began_as):
        return _passed("policies.default", found=UNSET, fix=UNSET_FIX, warns=True)
    modes = {own.name: mode_of(settings, own.name, began_as) for own in settings.clusters}
    common = PolicyMode(settings.policies.default or began_as)
    others = [f"{name} {mode.value}" for name, mode in modes.items() if mode is not common]
    found = f"{common.value}: {MODES[common]}"
    return _passed("policies.default", found=f"{found}; {', '.join(others)}" if others else found)


_CHANGES = (
    *((key,) for key in POLICIES if key not in {"break_glass", "member_replace"}),
    ("member_replace", "member_remove"),
    ("member_replace", "member_add"),
)
"""Policies that apply together to one change."""


def policies(settings: Settings, began_as: PolicyMode, members: GroupMembers) -> list[CheckRow]:
    """Return a row for each policy that too few people can meet.

    A policy passes if it depends on a user group that Slack did not list.
    """
    found: dict[str, CheckRow] = {}
    for cluster, keys, forced in product((own.name for own in settings.clusters), _CHANGES, (False, True)):
        own = f"clusters.{cluster}." if cluster in settings.own_access else ""
        what = f"{own}policies.{'break_glass' if forced else keys[0]}"
        rule = policy(settings, began_as, cluster, keys, forced)
        people = _People(settings.own_access.get(cluster, settings.access), members)
        # In earlier installations an empty role is no failure: it may be empty on purpose.
        empty_fails = mode_of(settings, cluster, began_as) is PolicyMode.STRICT
        why, then = _undecidable(people, own, rule, forced=forced, empty_fails=empty_fails)
        if why:
            found.setdefault(what, _failed(what, found=why, fix=then))
    return list(found.values())


@frozen
class _People:
    """The people of one cluster: holders of its roles, and members of user groups; None for those not known."""

    access: AccessSettings
    members: GroupMembers

    def of(self, source: str) -> frozenset[str] | None:
        """Return the holders of a role or the members of a user group."""
        if source not in set(HELD_ROLES):
            return self.members.get(source)
        held: Members = getattr(self.access, f"{source}s")
        groups = [self.members.get(group) for group in held.groups]
        return None if None in groups else frozenset(held.users).union(*(each for each in groups if each))

    def proposers(self, *, forced: bool) -> frozenset[str] | None:
        """Return who may propose a change."""
        found = [self.of(role) for role in (Role.OPERATOR, *((Role.BREAKER,) if forced else ()))]
        known = [each for each in found if each is not None]
        return frozenset.intersection(*known) if len(known) == len(found) else None


def _undecidable(people: _People, own: str, rule: Policy, *, forced: bool, empty_fails: bool) -> tuple[str, str]:
    """Return why too few people can meet the policy, and the fix; both "" if enough can.

    `own` is the path of the settings before `access`: that of one cluster, or "".
    """
    if rule.channels == ():
        return "the policies that apply together have no channel in common", "change their channels"
    proposers = people.proposers(forced=forced)
    # Missing operators and breakers have a row already: that of the role.
    if not proposers:
        return "", ""
    for need in rule.needs:
        held = people.of(need.source)
        if held is None or not (held or empty_fails):
            continue
        one = replace(rule, approvals=need.approvals, source=need.source, also=())
        if short := short_of(one, held, proposers):
            place = f"{own}{Role(need.source).key}" if need.source in set(HELD_ROLES) else f"user group {need.source}"
            return shortfall_text(short), f"name more people under {place}"
    return "", ""


def code_row(settings: Settings, enrolled: frozenset[str] | None) -> CheckRow:
    """Return a row for the codes of break-glass; `enrolled` are those who have one, None if that is not known."""
    what, demanded = "code of break-glass", any(code_required(settings, own.name) for own in settings.clusters)
    try:
        key = code_key(settings)
    except ConfigError as error:
        return _failed(what, found=str(error), fix="set CMBOT_CODE_KEY to what `cmbot enrol --new-key` prints")
    if key is None:
        off = "off: CMBOT_CODE_KEY is not set"
        if demanded:
            return _failed(what, found=f"{off}, but the settings demand a code", fix="run cmbot enrol --new-key")
        return _passed(what, found=f"{off}, so break-glass needs no code")
    tables = (settings.access, *settings.own_access.values())
    named = {user for table in tables for user in table.breakers.users}
    without = sorted(named - (enrolled or frozenset()))
    if demanded and enrolled is not None and without:
        return _failed(what, found=f"{', '.join(without)} have none", fix=f"run cmbot enrol {without[0]} on this host")
    return _passed(what, found=f"{count(len(enrolled or ()), 'person', 'people')} enrolled")


def agent_rows(settings: Settings, began_as: PolicyMode, members: GroupMembers) -> list[CheckRow]:
    """Return a row for the person in whose name agents propose, none if they may not propose."""
    owner = settings.mcp.owner
    if not settings.mcp.propose or owner is None:
        return []
    names = settings.mcp.clusters or tuple(own.name for own in settings.clusters)
    people = {name: _People(settings.own_access.get(name, settings.access), members) for name in names}
    operators = {name: own.of(Role.OPERATOR) for name, own in people.items()}
    barred = [name for name, held in operators.items() if held is not None and owner not in held]
    if barred:
        found = f"{owner} is no operator of {', '.join(barred)}, so what agents propose there is refused"
        return [_failed("mcp.owner", found=found, fix="name the person under access.operators, or another owner")]
    for name, keys in product(names, _CHANGES):
        rule = of_agent(policy(settings, began_as, name, keys, forced=False))
        if not all(_enough_besides(people[name].of(need.source), owner, need.approvals) for need in rule.needs):
            found = f"too few people besides {owner} can approve what agents propose on {name} (policies.{keys[0]})"
            return [_passed("mcp.owner", found=found, fix="name more people, or another owner", warns=True)]
    return [_passed("mcp.owner", found=f"agents propose in the name of {owner} on {', '.join(names)}")]


def _enough_besides(people: frozenset[str] | None, owner: str, needed: int) -> bool:
    return people is None or len(people - {owner}) >= needed


_WITHOUT = {
    Role.OPERATOR: "no one may change anything",
    Role.APPROVER: "changes that need an approver are refused",
    Role.ADMIN: "only its requester can cancel an operation, and no one can settle one by hand",
    Role.BREAKER: "no one can use break-glass",
}


def role_rows(settings: Settings) -> list[CheckRow]:
    """Return a row for each role."""
    return [_role(role, settings) for role in HELD_ROLES]


def _role(role: Role, settings: Settings) -> CheckRow:
    held: Members = getattr(settings.access, f"{role.value}s")
    own = [getattr(cluster.access, f"{role.value}s") is not None for cluster in settings.clusters]
    if held == Members() and all(own):
        return _passed(role.key, found="no one, but each cluster names its own")
    return _held(role.key, role, held)


def own_roles(settings: Settings) -> list[CheckRow]:
    """Return a row for each role that a cluster names itself."""
    named = [
        (f"clusters.{cluster.name}.{role.key}", role, getattr(cluster.access, f"{role.value}s"))
        for cluster in settings.clusters
        for role in HELD_ROLES
    ]
    return [_held(what, role, held) for what, role, held in named if held is not None]


def _held(what: str, role: Role, held: Members) -> CheckRow:
    if held != Members():
        return _passed(what, found=f"{count(len(held.users), 'user')} and {count(len(held.groups), 'user group')}")
    # Without operators no change is possible; the other roles may be empty on purpose.
    return CheckRow(what, role is not Role.OPERATOR, f"no one: {_WITHOUT[role]}", "name users or user groups")
