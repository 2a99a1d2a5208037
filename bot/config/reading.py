"""Reads the settings: one YAML file for what may be read by anyone, environment variables for what may not.

The only reader of either. Every error is a ConfigError that names the key, the value and the mend.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError

from bot.config.kinds import clean_secret
from bot.config.model import Secrets, Settings, known_keys
from bot.errors import ConfigError

_SECRET = re.compile(r"\bx(?:ox[a-z]|app|wfp)[.-]|://[^/\s]*@|://[^\s:]*:[^\s]*@")
"""What a written value may give away: one of Slack's tokens, or the log-in in an address."""


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice: YAML would silently keep the last."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError) as error:
            # Dates that do not exist and the like: the library hands on what Python says.
            raise yaml.constructor.ConstructorError(
                None, None, "a value is not what it looks like; put it into quotes", node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = [key for key in keys if keys.count(key) > 1]
        if doubled:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {doubled[0]!r} is given twice", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def load(path: Path | None = None, *, tokens: bool = True) -> Settings:
    """Read the settings from `path` (else $CMBOT_CONFIG, else config.yaml) and the environment.

    Without `tokens` those of clusters are left out. Raises ConfigError, one line per problem.
    """
    secrets = _secrets()
    return parse(_read(path or secrets.cmbot_config), secrets=secrets, tokens=tokens)


def _secrets() -> Secrets:
    """What the environment holds; raises ConfigError that names the variable and never its value."""
    try:
        return Secrets()
    except ValidationError as error:
        raise ConfigError(
            "\n".join(f"{str(item['loc'][0]).upper()}: {_bare(item['msg'])}." for item in error.errors())
        ) from error


def _bare(words: str) -> str:
    return words.removeprefix("Value error, ")


def parse(
    text: str, *, secrets: Secrets, environment: Mapping[str, str] | None = None, tokens: bool = True
) -> Settings:
    """Validate settings given as YAML text; `environment` holds the variables that `token_env` may name."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"The settings are not valid YAML: {_first_line(error)}") from error
    except RecursionError as error:
        raise ConfigError("The settings are nested too deeply: see config.example.yaml for their shape.") from error
    if not isinstance(data, dict):
        raise ConfigError("The settings are empty: copy config.example.yaml and name your clusters in it.")
    reserved = sorted({"secrets", "cluster_tokens"} & set(data))
    if reserved:
        raise ConfigError(
            f"{reserved[0]}: secrets are read from environment variables only; take them out of the file."
        )
    try:
        settings = Settings.model_validate({**data, "secrets": secrets})
    except ValidationError as error:
        raise ConfigError("\n".join(_problem(item, data) for item in _own(error.errors()))) from error
    held = _tokens(settings, environment) if tokens else {}
    return settings.model_copy(update={"cluster_tokens": held})


def _own(items: Sequence[Any]) -> list[Any]:
    """The problems, without those that only follow from another: a list is not too short for what is wrong in it."""
    return [
        item
        for item in items
        if item["type"] != "too_short"
        or not any(other is not item and other["loc"][: len(item["loc"])] == item["loc"] for other in items)
    ]


def _tokens(settings: Settings, environment: Mapping[str, str] | None) -> dict[str, SecretStr]:
    held = _environment() if environment is None else environment
    tokens = {}
    for cluster in settings.clusters:
        if cluster.token_env is None:
            continue
        if not held.get(cluster.token_env):
            raise ConfigError(
                f"clusters.{cluster.name}.token_env: the environment variable {cluster.token_env} is not set; "
                "set it to the cluster's request token secret, or take token_env out."
            )
        try:
            tokens[cluster.name] = SecretStr(str(clean_secret(held[cluster.token_env])))
        except ValueError as error:
            raise ConfigError(f"{cluster.token_env} (clusters.{cluster.name}.token_env): {error}.") from error
    return tokens


def _environment() -> Mapping[str, str]:
    import os  # noqa: PLC0415 - the one place that reads variables whose names the file gives

    return os.environ


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The settings file {path} cannot be read ({type(error).__name__}): "
            "copy config.example.yaml there, or name another with --config."
        ) from error


def _first_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    words = getattr(error, "problem", None) or "it cannot be parsed"
    return f"{words} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(words)


def _problem(item: Any, data: Mapping[str, Any]) -> str:
    path = ".".join(_label(part, item["loc"][:index], data) for index, part in enumerate(item["loc"]))
    shown = _given(item["loc"], data)
    words = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        # The value is not shown: what was misplaced here may be a secret.
        near = get_close_matches(str(item["loc"][-1]), known_keys(item["loc"][:-1]), n=1)
        hint = f"did you mean {near[0]}?" if near else "look for a typo, or see docs/configuration.md"
        shown, words = "", f"no such setting; {hint}"
    if item["type"] == "model_type":
        shown, words = "", "takes settings of its own; see docs/configuration.md"
    if item["loc"][-1:] == ("token_env",):
        # The same: whoever takes it for the place of the secret itself should not read it in a log.
        shown, words = "", "write the name of an environment variable, such as CMBOT_TOKEN_PROD; it holds the secret"
    if item["type"] == "missing":
        words = "is required; see config.example.yaml"
    return f"{path or 'settings'}{shown}: {words}"


def _label(part: str | int, before: tuple[str | int, ...], data: Mapping[str, Any]) -> str:
    held = _dig(before, data)
    if isinstance(part, int) and isinstance(held, list) and part < len(held) and isinstance(held[part], dict):
        return str(held[part].get("name", part))
    return str(part)


def _given(loc: tuple[str | int, ...], data: Mapping[str, Any]) -> str:
    value = _dig(loc, data)
    if isinstance(value, str) and _SECRET.search(value):
        return " (not shown: it may hold a secret)"
    return f" = {value!r:.80}" if isinstance(value, str | int | float) else ""


def _dig(loc: tuple[str | int, ...], data: Any) -> Any:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
