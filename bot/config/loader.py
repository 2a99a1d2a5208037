"""Reads the settings: one YAML file for what may be read by anyone, environment variables for what may not.

The only reader of either. Every error is a ConfigError that names the key, the value and the mend.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError

from bot.common.errors import ConfigError, system_words
from bot.config.error_text import not_settings, problems, yaml_words
from bot.config.model import Secrets, Settings
from bot.config.types import clean

_VARIABLE = "The environment variable"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""What no secret and no address holds: line breaks, tabs, and what nobody can see."""
_TOP = 1 << 20
"""Bytes that a settings file has at most."""


_MAX_DEPTH = 50
"""Lists and mappings inside each other; the settings need six."""


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, of which YAML would silently keep the last, and deep nesting."""

    def fetch_flow_collection_start(self, token_class: type[yaml.Token]) -> None:
        # The scanner looks far ahead of the composer, at a cost that grows with the square of the depth.
        if self.flow_level > _MAX_DEPTH:
            raise RecursionError
        super().fetch_flow_collection_start(token_class)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth = getattr(self, "_depth", 0) + 1
        if self._depth > _MAX_DEPTH:
            raise RecursionError
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

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
    file = path or secrets.cmbot_config
    text = _read(file)
    with in_file(str(file)):
        return parse(text, secrets=secrets.model_copy(update={"cmbot_config": file}), tokens=tokens)


@contextmanager
def in_file(source: str) -> Iterator[None]:
    """Name the settings file in front of each problem that is found meanwhile."""
    try:
        yield
    except ConfigError as error:
        if not source:
            raise
        lines = str(error).splitlines()
        raise ConfigError(
            "\n".join(line if line.startswith(_VARIABLE) else f"{source}: {line}" for line in lines)
        ) from error


def parse(
    text: str, *, secrets: Secrets, environment: Mapping[str, str] | None = None, tokens: bool = True
) -> Settings:
    """Validate settings given as YAML text; `environment` holds the variables that `token_env` may name."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"The settings are not valid YAML: {yaml_words(error)}.") from error
    except RecursionError as error:
        raise ConfigError("The settings are nested too deeply: see config.example.yaml for their shape.") from error
    if not isinstance(data, dict):
        raise ConfigError(not_settings(data))
    if unnamed := [key for key in data if not isinstance(key, str)]:
        raise ConfigError(f"{unnamed[0]!r}: no such setting; a key is a word, see docs/configuration.md.")
    reserved = sorted({"secrets", "cluster_tokens"} & set(data))
    if reserved:
        raise ConfigError(
            f"{reserved[0]}: secrets are read from environment variables only; take them out of the file."
        )
    try:
        settings = Settings.model_validate({**data, "secrets": secrets})
    except ValidationError as error:
        raise ConfigError("\n".join(problems(error.errors(), data))) from error
    held = _tokens(settings, environment) if tokens else {}
    return settings.model_copy(update={"cluster_tokens": held})


def _tokens(settings: Settings, environment: Mapping[str, str] | None) -> dict[str, SecretStr]:
    held = _environment() if environment is None else environment
    tokens = {}
    for cluster in settings.clusters:
        if cluster.token_env is None:
            continue
        value = clean(held.get(cluster.token_env, ""))
        if not value:
            raise ConfigError(
                f"clusters.{cluster.name}.token_env: the environment variable {cluster.token_env} is not set; "
                "set it to the cluster's request token secret, or take token_env out."
            )
        _check(cluster.token_env, value)
        tokens[cluster.name] = SecretStr(value)
    return tokens


def _environment() -> Mapping[str, str]:
    import os  # noqa: PLC0415 - the one place that reads variables whose names the file gives

    return os.environ


def _secrets() -> Secrets:
    """What the environment holds; raises ConfigError that names the variable and shows nothing of it."""
    try:
        secrets = Secrets()
    except ValidationError as error:
        variable = str(error.errors()[0]["loc"][0]).upper()
        raise ConfigError(f"{_VARIABLE} {variable} holds no value that it takes; see docs/configuration.md.") from error
    for name in Secrets.model_fields:
        if isinstance(value := getattr(secrets, name), SecretStr):
            _check(name.upper(), value.get_secret_value())
    return secrets


def _check(variable: str, value: str) -> None:
    """Refuse a line break and the like within a secret or an address: they can only have come by a slip."""
    if found := _CONTROL.search(value):
        what = "a line break" if found[0] in "\r\n" else "a tab" if found[0] == "\t" else "an invisible character"
        raise ConfigError(f"{_VARIABLE} {variable} has {what} within its value: set it to the value alone.")


def _read(path: Path) -> str:
    copy = "copy config.example.yaml there, or name another with --config or CMBOT_CONFIG"
    try:
        held = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{_unread(path)} ({system_words(error)}): {copy}.") from error
    if len(held) > _TOP:
        raise ConfigError(f"{_unread(path)}: it is larger than 1 MiB, so it is no settings file; {copy}.")
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = held[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{_unread(path)}: line {line} is no UTF-8 text; save it as plain UTF-8, or {copy}."
        ) from error


def _unread(path: Path) -> str:
    return f"The settings file {path} cannot be read"
