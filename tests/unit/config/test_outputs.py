"""Settings of receivers and of the webhook of an Alertmanager."""

import pytest

from bot.alerting.model import Severity
from bot.alerting.receivers import ReceiverKind, When
from bot.common.errors import ConfigError
from bot.config import Secrets, Settings, parse
from bot.integrations.senders import receivers_of

MINIMAL = """
clusters:
  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE}
"""
ROBOT = "https://robot.example/send?key=abcdef"


def read(text: str, **environment: str) -> Settings:
    return parse(MINIMAL + text, secrets=Secrets(_env_file=None), environment=environment)


def refusal(text: str, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text, **environment)
    return str(caught.value)


def one(receiver: str) -> str:
    return f"outputs: {{receivers: [{{name: r, {receiver}}}]}}"


def test_receivers_of_all_kinds() -> None:
    settings = read(
        """
outputs:
  slack_down_after: 10m
  receivers:
    - {name: am, kind: alertmanager, url: "http://10.0.0.9:9093"}
    - {name: hook, kind: webhook, url: "https://hook.example/a?b=c", secret_env: HOOK, clusters: [prod]}
    - {name: pager, kind: pagerduty, key_env: PAGER, severity: critical}
    - {name: wecom, kind: wecom, url_env: ROBOT}
    - {name: ding, kind: dingtalk, url_env: ROBOT, secret_env: HOOK, when: slack_down}
    - {name: feishu, kind: feishu, url_env: ROBOT}
inputs: {token_env: INTAKE, cluster_label: site}
""",
        HOOK="hooksecret",
        PAGER="pagerkey",
        ROBOT=ROBOT,
        INTAKE="intaketoken",
    )
    am, hook, pager, _, ding, _ = receivers_of(settings)
    assert (am.kind, am.severity, am.when) == (ReceiverKind.ALERTMANAGER, Severity.INFO, When.ALWAYS)
    assert hook.clusters == {"prod"}
    assert pager.severity is Severity.CRITICAL
    assert (ding.severity, ding.when) == (Severity.CRITICAL, When.SLACK_DOWN)
    assert {"hooksecret", "pagerkey", ROBOT, "intaketoken"} <= set(settings.all_secrets)
    assert not {"hooksecret", "pagerkey", "abcdef"} & set(repr(settings).replace("'", " ").split())


@pytest.mark.parametrize(
    ("receiver", "said"),
    [
        ("kind: slack", "kind"),
        ("kind: alertmanager", "url"),
        ("kind: alertmanager, url: 10.0.0.9:9093", "complete address"),
        ('kind: alertmanager, url: "http://u:p@h:9093"', "without a user or password"),
        ('kind: webhook, url: "http://h"', "secret_env"),
        ("kind: pagerduty", "key_env"),
        (f'kind: wecom, url: "{ROBOT}"', "url_env"),
        ("kind: wecom, url_env: A, secret_env: B", "no secret_env"),
        ('kind: alertmanager, url: "http://h", url_env: A', "once"),
        ('kind: alertmanager, url: "http://h", clusters: [other]', "not configured"),
        ('kind: alertmanager, url: "http://h", severity: page', "severity"),
    ],
)
def test_wrong_receivers_are_refused(receiver: str, said: str) -> None:
    assert said in refusal(one(receiver), A=ROBOT, B="b")


def test_an_address_is_never_in_an_error() -> None:
    """The address of a robot has its key in it."""
    said = refusal(one("kind: wecom, url_env: A"), A="ftp://robot.example/SECRETKEY")
    assert "SECRETKEY" not in said
    assert "variable A" in said
    assert "not set" in refusal(one("kind: wecom, url_env: A"))
    assert "SECRETKEY" not in refusal(one("kind: wecom, url_env: A"), A="https://h/SECRET\nKEY")


@pytest.mark.parametrize(
    ("receiver", "key"),
    [
        ("kind: wecom, url_env: 'https://robot.example/send?key=secretkey'", "url_env"),
        ("kind: pagerduty, key_env: secretkey", "key_env"),
        ("kind: webhook, url: 'https://h', secret_env: secretkey", "secret_env"),
    ],
)
def test_a_secret_in_place_of_the_name_of_its_variable_is_not_shown(receiver: str, key: str) -> None:
    said = refusal(one(receiver))
    assert "secretkey" not in said
    assert said.startswith(f"outputs.receivers.r.{key}: write the name of the environment variable")


def test_two_receivers_need_two_names() -> None:
    twice = '{name: a, kind: alertmanager, url: "http://h"}'
    assert "two receivers are called 'a'" in refusal(f"outputs: {{receivers: [{twice}, {twice}]}}")
