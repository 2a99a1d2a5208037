"""The JSON Schema of the settings: it is current, it takes the example, and refuses what the loader refuses."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.cli.init import settings_text
from bot.common.errors import ConfigError
from bot.config import Secrets, parse
from bot.config.descriptions import DESCRIPTIONS
from bot.config.schema import schema_text, settings_schema

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config.example.yaml"
SCHEMA = settings_schema()
LINE = "# yaml-language-server: $schema="
CLUSTER = {"name": "prod", "hosts": ["10.0.0.1:9998"], "alert_channel": "C0STORAGE"}


def faults(given: Any) -> list[str]:
    """The places that the schema refuses."""
    return [error.json_path for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(given)]


def loads(given: Any) -> bool:
    try:
        parse(yaml.safe_dump(given), secrets=Secrets(), tokens=False)
    except ConfigError:
        return False
    return True


def with_cluster(**keys: Any) -> dict[str, Any]:
    return {"clusters": [{**CLUSTER, **keys}]}


def test_the_committed_schema_is_current() -> None:
    """Write it with `make docs`."""
    assert (ROOT / "docs" / "config.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_example_names_the_schema_and_fits_it() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert first.startswith(LINE)
    assert (ROOT / first.removeprefix(LINE)).is_file()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert faults(yaml.safe_load(text)) == []


def test_the_settings_of_init_name_the_schema_and_fit_it() -> None:
    text = settings_text(
        {
            "name": "prod",
            "hosts": ["10.0.0.1:9998"],
            "alert-channel": "C0STORAGE",
            "operations-channel": "",
            "operators": ["U0ALICE", "S0ONCALL"],
            "store": "sqlite:///cmbot.db",
        }
    )
    assert text.splitlines()[0] == f"{LINE}config.schema.json"
    assert faults(yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"clusters": []},
        {"clusters": CLUSTER},
        {**with_cluster(), "zebra": 1},
        {**with_cluster(), "secrets": {}},
        {**with_cluster(), "cluster_tokens": {}},
        {**with_cluster(), "remarks": []},
        {**with_cluster(), "slack": {"token": "x"}},
        {**with_cluster(), "slack": "https://slack.com/api/"},
        {**with_cluster(), "slack": {"api_url": "ftp://slack.com"}},
        {**with_cluster(), "slack": {"answers": "no one"}},
        {**with_cluster(), "http": {"port": 70000}},
        {**with_cluster(), "http": {"port": "a lot"}},
        {**with_cluster(), "log_level": "loud"},
        {**with_cluster(), "retention": {"samples": "soon"}},
        {**with_cluster(), "retention": {"samples": 5}},
        {**with_cluster(), "operations": {"notify": "loudly"}},
        {**with_cluster(), "operations": {"disks": {"per_host": 0}}},
        {**with_cluster(), "access": {"operators": {"users": ["alice"]}}},
        {**with_cluster(), "access": {"owners": {}}},
        {**with_cluster(), "policies": {"member_eat": {}}},
        {**with_cluster(), "policies": {"member_add": {"approvals": 9}}},
        {**with_cluster(), "policies": {"member_add": {"from": "boss"}}},
        {**with_cluster(), "policies": {"member_add": {"call": ["alice"]}}},
        {**with_cluster(), "summaries": [{"cron": "0 9 * * *"}]},
        {**with_cluster(), "status": [{"channel": "C0STATUS", "every": "1s", "also": 1}]},
        {**with_cluster(), "alerts": {"escalate_after": "later"}},
        {**with_cluster(), "alerts": {"escalate_after": 1}},
        {**with_cluster(), "alerts": {"storm": {"cluster": 0}}},
        with_cluster(name="Prod One"),
        with_cluster(hosts="10.0.0.1:9998"),
        with_cluster(hosts=["10.0.0.1"]),
        with_cluster(hosts=[f"10.0.0.{number}:9998" for number in range(20)]),
        with_cluster(alert_channel="#storage"),
        with_cluster(alert_channel=None),
        with_cluster(operation_channel="C0X"),
        with_cluster(dialect="v2"),
        with_cluster(poll_interval="soon"),
        with_cluster(poll_interval=0),
        with_cluster(poll_interval=True),
        with_cluster(token_env="very-secret"),
        with_cluster(schedulers=["10.0.0.5"]),
        with_cluster(rules=["leader_changed"]),
        with_cluster(maintenance_windows=[{"name": "a", "weekdays": [1], "start": "22:00", "length": "4h"}]),
        with_cluster(maintenance_windows=[{"name": "a", "weekdays": ["sat"], "start": "late", "length": "4h"}]),
        with_cluster(maintenance_windows=[{"name": "a", "weekdays": ["sat"], "start": "22:00"}]),
    ],
    ids=lambda given: str(given)[-60:],
)
def test_what_the_loader_refuses_for_its_form_the_schema_refuses(given: Any) -> None:
    assert not loads(given)
    assert faults(given)


@pytest.mark.parametrize(
    "given",
    [
        with_cluster(poll_interval="2m30s"),
        with_cluster(poll_interval="15 seconds"),
        with_cluster(poll_interval="90"),
        with_cluster(hosts=["https://[::1]:9998 "]),
        with_cluster(operations_channel=None),
        with_cluster(schedulers=["10.0.0.5:9800", "10.0.1.0/24", "https://s1:9800"]),
        with_cluster(maintenance_windows=[{"name": "a", "weekdays": "mon-fri", "start": 1320, "length": 14400}]),
        with_cluster(rules={"leader_changed": {"clear": "10m"}}),
        {**with_cluster(), "policies": {"member_add": {"from": "S0ONCALL", "call": "U0ALICE"}}},
        {**with_cluster(), "alerts": {"remind_holder": 0}},
    ],
    ids=lambda given: str(given)[-60:],
)
def test_what_the_loader_takes_the_schema_takes(given: Any) -> None:
    assert loads(given)
    assert faults(given) == []


def test_descriptions_are_of_keys_that_exist() -> None:
    sections = {"Settings": SCHEMA, **SCHEMA["$defs"]}
    known = {f"{name}.{key}" for name, section in sections.items() for key in section.get("properties", {})}
    assert sorted(DESCRIPTIONS.keys() - known) == []
    bare = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, value in section.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]
    assert len(bare) < len(known) / 4


def test_a_setting_called_default_is_in_the_schema() -> None:
    given = {**with_cluster(), "policies": {"default": "strict"}}
    assert faults(given) == []
    assert loads(given)
    assert faults({**with_cluster(), "policies": {"default": "mild"}}) == ["$.policies.default"]
