"""Read the settings: one YAML file for public values; environment variables, or files that they name, for secrets.

No other module reads them. Every error is a ConfigError that names the key, the value and the fix.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError

from bot.common.errors import ConfigError, system_words
from bot.common.secret_signs import named
from bot.config.error_text import not_settings, problems, yaml_words
from bot.config.http_address import with_http_host
from bot.config.model import HttpSettings, Settings
from bot.config.outputs import output_url
from bot.config.proxy import proxy_url
from bot.config.secret_sources import SecretFound, find_secret
from bot.config.secrets import Secrets
from bot.config.yaml_text import read_yaml

_VARIABLE = "The environment variable"
_OUTSIDE = (_VARIABLE, "The file ")
"""Beginnings of errors that are not about the settings file."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters that no secret or address has: line breaks, tabs and invisible characters."""
_PROXIES = ("slack_proxy", "https_proxy")
_MAX_BYTES = 1 << 20
"""Maximum size of a settings file."""


def load(path: Path | None = None, *, tokens: bool = True) -> Settings:
    """Read the settings from `path` (else $CMBOT_CONFIG, else config.yaml) and the environment.

    Without `tokens` the tokens of clusters are not read. Raise ConfigError with one line for each error.
    """
    secrets, remarks = _secrets()
    file = path or secrets.cmbot_config
    text = _read(file)
    with in_file(str(file)):
        settings = parse(text, secrets=secrets.model_copy(update={"cmbot_config": file}), tokens=tokens)
        return settings.model_copy(update={"remarks": (*remarks, *settings.remarks)})


def load_http() -> HttpSettings:
    """Read the address of the HTTP server alone; the default one if the file cannot be read as far as that."""
    own = Secrets()
    try:
        data = read_yaml(_read(own.cmbot_config))
    except (ConfigError, yaml.YAMLError, RecursionError):
        data = None
    given = with_http_host(data if isinstance(data, dict) else {}, own.cmbot_http_host).get("http", {})
    try:
        return HttpSettings.model_validate(given)
    except ValidationError:
        return HttpSettings()


@contextmanager
def in_file(source: str) -> Iterator[None]:
    """Put the name of the settings file before each line of a ConfigError from the block."""
    try:
        yield
    except ConfigError as error:
        if not source:
            raise
        lines = str(error).splitlines()
        raise ConfigError(
            "\n".join(line if line.startswith(_OUTSIDE) else f"{source}: {line}" for line in lines)
        ) from error


def parse(
    text: str, *, secrets: Secrets, environment: Mapping[str, str] | None = None, tokens: bool = True
) -> Settings:
    """Validate settings in YAML; `environment` holds the variables that `token_env` may name, and their `_FILE`."""
    try:
        data = read_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"The settings are not valid YAML: {yaml_words(error)}.") from error
    except RecursionError as error:
        raise ConfigError("The settings are nested too deeply: see config.example.yaml for their shape.") from error
    if not isinstance(data, dict):
        raise ConfigError(not_settings(data))
    if unnamed := [key for key in data if not isinstance(key, str)]:
        raise ConfigError(
            f"{named(repr(unnamed[0]))}: no such setting; a key must be a word, see docs/configuration.md."
        )
    reserved = sorted({"secrets", "cluster_tokens", "scheduler_tokens", "exchange_secrets", "remarks"} & set(data))
    if reserved:
        raise ConfigError(
            f"{reserved[0]}: secrets are read from environment variables, or from files that they name; "
            "remove them from the settings."
        )
    try:
        settings = Settings.model_validate({**with_http_host(data, secrets.cmbot_http_host), "secrets": secrets})
    except ValidationError as error:
        raise ConfigError("\n".join(problems(error.errors(), data))) from error
    if not tokens:
        return settings
    held = _environment() if environment is None else environment
    variables = {key: {own.name: getattr(own, key) for own in settings.clusters} for key in _TOKEN_KEYS}
    read = {into: _tokens(key, variables[key], held) for key, into in _TOKEN_KEYS.items()}
    exchanged = _exchange_secrets(settings, held)
    found = {into: {name: SecretStr(each.value) for name, each in of.items()} for into, of in read.items()}
    found["exchange_secrets"] = {name: SecretStr(each.value) for name, each in exchanged.items()}
    remarks = dict.fromkeys(each.remark for of in (*read.values(), exchanged) for each in of.values() if each.remark)
    return settings.model_copy(update={**found, "remarks": tuple(remarks)})


_TOKEN_KEYS: Mapping[str, str] = {"token_env": "cluster_tokens", "scheduler_token_env": "scheduler_tokens"}
"""Keys of a cluster that name the variable of a secret, and where the secrets are kept."""


def _tokens(key: str, variables: Mapping[str, str | None], environment: Mapping[str, str]) -> dict[str, SecretFound]:
    """Read the secrets that the key names, by cluster."""
    tokens = {}
    for cluster, variable in variables.items():
        if variable is None:
            continue
        found = find_secret(variable, environment)
        if not found.value:
            raise ConfigError(
                f"clusters.{cluster}.{key}: the environment variable {variable} is not set; "
                f"set it to the secret of the request token, or remove {key}."
            )
        _check(found.place, found.value)
        tokens[cluster] = found
    return tokens


def _exchange_secrets(settings: Settings, environment: Mapping[str, str]) -> dict[str, SecretFound]:
    """Read the addresses, keys and secrets that outputs and inputs name, by their variable."""
    secrets = {}
    for key, variable in (*settings.outputs.variables, *settings.inputs.variables):
        found = find_secret(variable, environment)
        if not found.value:
            raise ConfigError(f"{key}: the environment variable {variable} is not set; set it, or remove {key}.")
        _check(found.place, found.value)
        if key.endswith(".url_env"):
            try:
                output_url(found.value)
            except ValueError as error:
                raise ConfigError(f"{found.place} has no usable address: {error}.") from error
        secrets[variable] = found
    return secrets


def _environment() -> Mapping[str, str]:
    import os  # noqa: PLC0415 - only here are variables read that the file names

    return os.environ


def _secrets() -> tuple[Secrets, tuple[str, ...]]:
    """Read the secrets, and the warnings about their files; raise ConfigError that shows no value."""
    environment = {name.upper(): value for name, value in _environment().items()}
    names = [name for name, field in Secrets.model_fields.items() if isinstance(field.default, SecretStr)]
    found = {name: held for name in names if (held := find_secret(name.upper(), environment)).value}
    values: dict[str, Any] = {name: SecretStr(held.value) for name, held in found.items()}
    try:
        secrets = Secrets(**values)
    except ValidationError as error:
        variable = str(error.errors()[0]["loc"][0]).upper()
        raise ConfigError(
            f"{_VARIABLE} {variable} has a value that it does not take; see docs/configuration.md."
        ) from error
    for name, held in found.items():
        _check(held.place, held.value)
        if name in _PROXIES:
            _check_proxy(held)
    return secrets, tuple(held.remark for held in found.values() if held.remark)


def _check_proxy(held: SecretFound) -> None:
    try:
        proxy_url(held.value)
    except ValueError as error:
        raise ConfigError(f"{held.place} is no proxy that cmbot can use: {error}.") from error


def _check(place: str, value: str) -> None:
    """Refuse line breaks, tabs and invisible characters in a secret or an address: they are mistakes."""
    if found := _CONTROL.search(value):
        what = "a line break" if found[0] in "\r\n" else "a tab" if found[0] == "\t" else "an invisible character"
        raise ConfigError(f"{place} has {what} in its value: set it to the value alone.")


def _read(path: Path) -> str:
    copy = "run `cmbot init` to write it, or name another with --config or CMBOT_CONFIG"
    try:
        with path.open("rb") as opened:
            held = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{_unread(path)} ({system_words(error)}): {copy}.") from error
    if len(held) > _MAX_BYTES:
        raise ConfigError(f"{_unread(path)}: it is larger than 1 MiB, so it is not a settings file; {copy}.")
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = held[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{_unread(path)}: line {line} is not UTF-8 text; save it as plain UTF-8, or {copy}."
        ) from error


def _unread(path: Path) -> str:
    return f"The settings file {path} cannot be read"
