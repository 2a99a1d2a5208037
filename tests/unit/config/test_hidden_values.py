"""No error and no comparison of the settings shows a secret of malformed values, at any place."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import pytest
import yaml

from bot.alerting.rules.thresholds import configure
from bot.common.errors import ConfigError
from bot.config import Secrets, Settings, parse
from bot.config.changes import changes, view_of
from bot.config.section import Section
from bot.config.setting_keys import may_hold_secret
from bot.runtime.settings_mapping import report_jobs_of

SECRET = "S3CR3T"
CLUSTER: Mapping[str, Any] = {"name": "prod", "hosts": ["10.0.0.1:9998"], "alert_channel": "C0STORAGE"}
RECEIVER: Mapping[str, Any] = {"name": "r", "kind": "webhook", "secret_env": "W"}
BEGUN = {"clusters": CLUSTER, "receivers": RECEIVER}
NOT_LEAVES = {"secrets", "cluster_tokens", "scheduler_tokens", "exchange_secrets", "remarks"}
MALFORMED = (
    f"user:{SECRET}@proxy:3128",
    f"oapi.dingtalk.com/robot/send?access_token={SECRET}",
    f"https//hooks.example.com/services/T0/B0/{SECRET}",
)


def refusal(text: str) -> str:
    """The error, "" for none."""
    try:
        settings = parse(text, secrets=Secrets(_env_file=None), environment={"W": "hush"})
        configure(settings.rules)
        report_jobs_of(settings)
    except ConfigError as error:
        return str(error)
    return ""


def sections(section: type[Section], place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The location of each section and setting; 0 stands for an item of a list."""
    for name, field in section.model_fields.items():
        if place or name not in NOT_LEAVES:
            own = (*place, field.alias or name)
            yield own
            yield from inner(field.annotation, own)


def inner(annotation: object, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield from sections(annotation, place)
    elif get_origin(annotation) is tuple:
        yield (*place, 0)
        yield from inner(get_args(annotation)[0], (*place, 0))
    else:
        for each in get_args(annotation):
            yield from inner(each, place)


PLACES = sorted(set(sections(Settings)), key=str)

SECTIONS = {"slack", "http", "store", "outputs", "policies", "disk_offline", "operators"}
"""Some of those below which an unknown key is written."""


def written(place: tuple[str | int, ...], value: object) -> str:
    """Settings with this value at this place."""
    for part, key in zip(reversed(place), (*reversed(place[:-1]), ""), strict=True):
        if part == 0:
            value = [value]
        elif key == 0:
            base = BEGUN.get(str(place[place.index(0) - 1]), {})
            value = {**base, str(part): value}
        else:
            value = {str(part): value}
    assert isinstance(value, dict)
    return yaml.safe_dump({"clusters": [dict(CLUSTER)], **value})


def test_the_places_are_found() -> None:
    assert {("slack", "proxy"), ("outputs", "receivers", 0, "url"), ("store", "url"), ("clusters", 0, "hosts", 0)} <= {
        *PLACES
    }


@pytest.mark.parametrize("value", MALFORMED)
def test_no_error_shows_a_malformed_secret(value: str) -> None:
    said = {place: refusal(written(place, value)) for place in PLACES}
    assert [place for place, line in said.items() if SECRET in line] == []
    assert said["slack", "proxy"].startswith("slack.proxy (not shown: it may hold a secret): write the")
    unknown = {place: refusal(written((*place, value), None)) for place in PLACES if place[-1] in SECTIONS}
    assert [place for place, line in unknown.items() if SECRET in line] == []


@pytest.mark.parametrize("value", ["plain-S3CR3T", 123456789])
def test_addresses_are_never_shown(value: object) -> None:
    hidden = [place for place in PLACES if may_hold_secret(place)]
    for named in ("url", "proxy", "api_url", "docs_url"):
        assert named in {place[-1] for place in hidden}
    assert [place for place in hidden if str(value) in refusal(written(place, value))] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{{outputs: {{receivers: [{{name: r, url:https://h.example.com/{}}}]}}}}",
            "a blank is missing after the colon",
        ),
        ("{{https://h.example.com/{}, a: b}}", "no such setting"),
        ("{{https://h.example.com/{}: 1, https://h.example.com/{}: 2}}", "is given twice"),
        ("SLACK_BOT_TOKEN=xoxb-1-{}", "The settings are plain text"),
        ("export TOKEN={}\nexport OTHER=1", "The settings are plain text"),
        ("rules: {{disk_broken: {{hold: 'u:{}@h'}}}}", "rules.disk_broken.hold (not shown"),
        ("summaries: [{{channel: C0X1, cron: 'u:{}@h'}}]", "cron (not shown"),
    ],
)
def test_a_secret_in_other_places_is_not_shown(text: str, said: str) -> None:
    alone = text.startswith(("SLACK", "export"))
    more = "" if alone or text.startswith("{") else yaml.safe_dump({"clusters": [dict(CLUSTER)]})
    line = refusal(f"{more}{text.format(SECRET, SECRET)}\n")
    assert said in line
    assert SECRET not in line


@pytest.mark.parametrize(
    "more",
    [
        f"store: {{url: 'postgresql://cmbot@h/db?password={SECRET}'}}",
        f"docs_url: 'https://docs.example.com/?token={SECRET}'",
        f"slack: {{api_url: 'https://slack.example.com/?access_token={SECRET}'}}",
        f"http: {{host: 'user:{SECRET}@h'}}",
    ],
)
def test_comparisons_and_views_show_no_secret(more: str) -> None:
    minimal = yaml.safe_dump({"clusters": [dict(CLUSTER)]})
    old, new = (parse(text, secrets=Secrets(_env_file=None), environment={}) for text in (minimal, minimal + more))
    [line] = map(str, changes(old, new))
    assert SECRET not in line
    assert SECRET not in str(view_of(new))
    if "store" in more:
        assert SECRET in new.all_secrets
