"""Parse the settings' `rules` into the enabled rules with their thresholds, severities and times. No I/O."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.alerting.model import Severity
from bot.alerting.rules.base import Rule, Unit
from bot.alerting.rules.table import RULES
from bot.common.durations import EXPECTED, seconds_in_settings
from bot.common.errors import ConfigError
from bot.common.secret_signs import given

Overrides = Mapping[str, Mapping[str, object]]

_TIMES: Mapping[str, str] = MappingProxyType({"hold": "for_seconds", "clear": "clear", "remind": "remind"})
"""Fields of a Rule by their keys in the settings."""
_LONGEST = 366 * 86400.0


def configure(*layers: Overrides) -> tuple[Rule, ...]:
    """Return the enabled rules; later layers override earlier ones (all clusters first, then one cluster).

    An unknown rule or parameter, or a bad value, raises ConfigError that names key, value and fix.
    """
    rules = {rule.key: rule for rule in RULES}
    for layer in layers:
        for key, changes in layer.items():
            if key not in rules:
                raise ConfigError(f"rules.{key}: no such rule; {_instead(key, rules)}, see docs/alerts.md.")
            if not isinstance(changes, Mapping):
                raise ConfigError(f"rules.{key}{given(changes)}: write parameters, as in {{hold: 1m}}.")
            rules[key] = _changed(rules[key], changes)
    return tuple(rule for rule in rules.values() if rule.enabled)


def _changed(rule: Rule, changes: Mapping[str, object]) -> Rule:
    for name, value in changes.items():
        where = f"rules.{rule.key}.{name}{given(value)}"
        if name in _TIMES:
            fields: dict[str, Any] = {_TIMES[name]: _seconds(where, value)}
        elif name == "severity":
            fields = {"severity": _severity(where, value)}
        elif name == "enabled":
            fields = {"enabled": _flag(where, value)}
        elif name in rule.thresholds:
            number = _NUMBERS[rule.thresholds[name].unit]
            fields = {"values": {**rule.values, name: number(where, value)}}
        elif name in rule.lists:
            fields = {"names": {**rule.names, name: _names(where, value, rule.lists[name].known)}}
        else:
            known = (*_TIMES, "severity", "enabled", *rule.thresholds, *rule.lists)
            raise ConfigError(f"rules.{rule.key}.{name}: no such parameter; {_instead(name, known)}.")
        rule = replace(rule, **fields)
    return rule


def _instead(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(str(word), names, n=1)
    return f"did you mean {near[0]}" if near else f"there are {', '.join(names)}"


def _seconds(where: str, value: object) -> float:
    try:
        seconds = seconds_in_settings(value)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}, at most a year.") from error
    if seconds > _LONGEST:
        raise ConfigError(f"{where}: write {EXPECTED}, or a number of seconds, at most a year.")
    return seconds


def _number(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ConfigError(f"{where}: write a number, zero or more.")
    return float(value)


def _percent(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:  # noqa: PLR2004 - all
        raise ConfigError(f"{where}: write a share in percent, from 0 to 100, as a number.")
    return float(value)


_NUMBERS: Mapping[Unit, Callable[[str, object], float]] = MappingProxyType(
    {Unit.SECONDS: _seconds, Unit.NUMBER: _number, Unit.PERCENT: _percent}
)


def _names(where: str, value: object, known: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(name in known for name in value):
        raise ConfigError(f"{where}: write a list, as in [{known[0]}], of {', '.join(known)}; [] for none.")
    return tuple(value)


def _severity(where: str, value: object) -> Severity:
    names = {severity.name.lower(): severity for severity in Severity}
    if not isinstance(value, str) or value.lower() not in names:
        raise ConfigError(f"{where}: write one of {', '.join(names)}.")
    return names[value.lower()]


def _flag(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: write true or false.")
    return value
