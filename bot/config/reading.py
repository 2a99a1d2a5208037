"""Reads the settings: one YAML file for what may be read by anyone, environment variables for what may not.

The only reader of either. Every error is a ConfigError that names the key, the value and the mend.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError

from bot.config.kinds import clean_secret
from bot.config.model import Secrets, Settings
from bot.config.problems import problem
from bot.errors import ConfigError

_MAX_DEPTH = 50
"""Lists and mappings inside each other; the settings need six."""


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice: YAML would silently keep the last."""

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
    try:
        return parse(text, secrets=secrets, tokens=tokens)
    except ConfigError as error:
        # Each line names the file: who reads it may not know which one was read.
        raise ConfigError("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error


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
    if data is not None and not isinstance(data, dict):
        raise ConfigError("The settings are not key: value pairs: see config.example.yaml for their shape.")
    if not data:
        raise ConfigError("The settings are empty: copy config.example.yaml and name your clusters in it.")
    reserved = sorted({"secrets", "cluster_tokens"} & set(data))
    if reserved:
        raise ConfigError(
            f"{reserved[0]}: secrets are read from environment variables only; take them out of the file."
        )
    try:
        settings = Settings.model_validate({**data, "secrets": secrets})
    except ValidationError as error:
        raise ConfigError("\n".join(problem(item, data) for item in _own(error.errors()))) from error
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
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is no text in UTF-8: write the settings as a text file.") from error
    except OSError as error:
        raise ConfigError(
            f"The settings file {path} cannot be read ({error.strerror}): "
            "copy config.example.yaml there, or name another with --config."
        ) from error


_YAML = (
    ("could not find expected ':'", "a line before here lacks its colon: write key: value"),
    ("expected the node content", "a list or mapping is not closed, or a value is missing"),
    ("cannot start any token", "a tab or another character that cannot stand here: indent with spaces"),
    ("mapping values are not allowed here", "a colon too many: indent the line, or put the value into quotes"),
    ("expected <block end>", "the indentation of this line fits none before it"),
    ("special characters are not allowed", "it holds an invisible control character: is it a text file?"),
    ("undefined alias", "a value begins with *: put it into quotes"),
    ("could not determine a constructor", "a value begins with !: put it into quotes"),
    ("expected ',' or", "a comma or closing bracket is missing"),
    ("while scanning a quoted scalar", "a quote is not closed"),
    ("found unexpected end of stream", "a quote is not closed"),
)
"""What the YAML library says, and what to do."""


def _first_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    words = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed")
    words = next((better for raw, better in _YAML if raw in words), words)
    return f"{words} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(words)
