"""Every refusal of the settings is one line: the file, the key, the value and what to write. No word of a library."""

import re
from pathlib import Path

import pytest

from bot.common.errors import ConfigError
from bot.config import Secrets, Settings, load, parse
from bot.config.types import meaning
from bot.runtime.settings_mapping import report_jobs_of

CLUSTER = '{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE}'
MINIMAL = f"clusters:\n  - {CLUSTER}\n"
LIBRARY = re.compile(
    r"Input should|should match|valid tuple|should have|validation error|Traceback|pydantic|Error\b|while parsing"
)


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "config.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def refused(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert LIBRARY.search(str(caught.value)) is None, caught.value
    return str(caught.value).splitlines()


def cluster(**changes: str) -> str:
    keys = {"name": "prod", "hosts": '["10.0.0.1:9998"]', "alert_channel": "C0STORAGE"} | changes
    return f"clusters:\n  - {{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (cluster(hosts="127.0.0.1:9998"), "clusters.prod.hosts = '127.0.0.1:9998': write a list, as in hosts: ["),
        (cluster(hosts="[]"), "clusters.prod.hosts = []: write at least 1 of them"),
        (cluster(hosts="[1]"), "clusters.prod.hosts.0 = 1: write text: put the value into quotes"),
        (cluster(hosts="{a: 1}"), "clusters.prod.hosts: write a list"),
        (cluster(name="Prod"), "clusters.Prod.name = 'Prod': write lower-case letters, digits and hyphens"),
        (cluster(name="yes"), "clusters.True.name = true: write text: put the value into quotes"),
        (cluster(name="2024-01-01"), "clusters.2024-01-01.name = 2024-01-01: write text: put the value into quotes"),
        (cluster(name="7"), "clusters.7.name = 7: write text: put the value into quotes"),
        (cluster(name=""), "clusters.None.name: is empty: write a value, or remove the key"),
        (cluster(poll_interval="0"), "clusters.prod.poll_interval = 0: write at least 0.1 s"),
        (cluster(poll_interval="2h"), "clusters.prod.poll_interval = '2h': write at most 3600 s"),
        (cluster(poll_interval="on"), "clusters.prod.poll_interval = true: write a time such as"),
        (cluster(channels="C0STORAGE"), "clusters.prod.channels = 'C0STORAGE': write a list, as in channels: [\"C0ST"),
        (cluster(dialect="v2"), "clusters.prod.dialect = 'v2': write 'auto', 'v1' or 'v3'"),
        (cluster(ca_file="[1]"), "clusters.prod.ca_file: write text"),
        (MINIMAL + "http: {port: web}", "http.port = 'web': write a whole number, as in 3"),
        (MINIMAL + "http: {port: 80.5}", "http.port = 80.5: write a whole number, as in 3"),
        (MINIMAL + "http: {port: 70000}", "http.port = 70000: write at most 65535"),
        (MINIMAL + "http:", "http: write keys and values below it"),
        (MINIMAL + "rules: [1]", "rules: write keys and values below it"),
        (MINIMAL + "policies: {task_delete: {}}", "policies.task_delete: no such setting; did you mean task_"),
        (MINIMAL + "access: {operators: {users: U0ALICE}}", "access.operators.users = 'U0ALICE': write a list"),
        (MINIMAL + "summaries: {channel: C0X1}", "summaries: write a list"),
        (MINIMAL + "7: x", "7: no such setting; a key must be a word"),
        (
            "clusters:\n" + MINIMAL[10:].replace("name: prod", "name prod"),
            'clusters.0.name: a colon is missing: write "name: value"',
        ),
        (
            "clusters\n  - name: prod\n",
            "The settings are not valid YAML: there is a colon too many, or none in the line before",
        ),
        ("clusters", 'The settings are plain text, so a colon is missing: begin with "clusters:"'),
        ("clusters:\n\t- x", "The settings are not valid YAML: put values with @, ` or a tab into quotes"),
        ("clusters: [", "The settings are not valid YAML: a value is missing, or a bracket is not closed (line"),
        ("a: 'x", "The settings are not valid YAML: a quote is not closed (line"),
        ("a: *x", "The settings are not valid YAML: put a value that begins with * into quotes"),
        ("a: !x y", "The settings are not valid YAML: a tag (!…) is not supported"),
        ("a: 1\na: 2", "The settings are not valid YAML: the key 'a' is given twice (line 1"),
        ("a: 1\n---\nb: 2", "The settings are not valid YAML: there is a second document: remove the line ---"),
        ("a: \x00", "The settings are not valid YAML: the file has bytes that are not text"),
        ("[a]: 1\n? [b]\n: 2", "The settings are not valid YAML: a key must be a single word"),
        ("", "The settings are empty"),
    ],
)
def test_refusal_is_one_line_with_file_key_and_value(tmp_path: Path, text: str, line: str) -> None:
    file = written(tmp_path, text)
    lines = refused(file)
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{file}: {line}"), lines


def test_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert "cannot be read (it does not exist): run `cmbot init`" in refused(tmp_path / "none.yaml")[0]
    assert "cannot be read (it is a directory)" in refused(tmp_path)[0]
    assert "line 2 is not UTF-8 text" in refused(written(tmp_path, b"a: 1\n\xff\xfe\x00"))[0]
    assert "larger than 1 MiB" in refused(written(tmp_path, b"#" * (1 << 20) + b"\n"))[0]


def test_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load(written(tmp_path, b"\xef\xbb\xbf" + MINIMAL.encode())).clusters[0].name == "prod"


def test_config_variable_set_to_nothing_means_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, MINIMAL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CMBOT_CONFIG", "")
    assert load().clusters[0].name == "prod"


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("99 9 * * *", "the minute '99' is none: write 0-59"),
        ("0 25 * * *", "the hour '25' is none: write 0-23"),
        ("0 9 0 * *", "the day '0' is none: write 1-31"),
        ("0 9 * foo *", "the month 'foo' is none: write 1-12"),
        ("0 9 * * noday", "noday"),
        ("0 9 * *", "write five fields"),
    ],
)
def test_bad_cron_field_is_named_with_its_key(cron: str, words: str) -> None:
    settings = parse(f"{MINIMAL}summaries: [{{channel: C0X1, cron: '{cron}'}}]", secrets=Secrets(), environment={})
    with pytest.raises(ConfigError) as caught:
        report_jobs_of(settings)
    assert str(caught.value).startswith(f"summaries.0.cron = '{cron}'")
    assert words in str(caught.value)
    assert "range" not in str(caught.value)


SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "CMBOT_STORE_URL", "CMBOT_HEARTBEAT_URL")


@pytest.mark.parametrize("variable", [*SECRETS, "CMBOT_TOKEN_PROD"])
@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\ufeff{}", "{}\u200b"])
def test_text_around_a_secret_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, around: str
) -> None:
    monkeypatch.setenv("CMBOT_TOKEN_PROD", "hush")
    monkeypatch.setenv(variable, around.format("very-secret"))
    held = load(written(tmp_path, cluster(token_env="CMBOT_TOKEN_PROD")))
    token = held.cluster_tokens["prod"] if variable == "CMBOT_TOKEN_PROD" else getattr(held.secrets, variable.lower())
    assert token.get_secret_value() == "very-secret"


@pytest.mark.parametrize("variable", [*SECRETS, "CMBOT_TOKEN_PROD"])
@pytest.mark.parametrize(("within", "what"), [("\n", "a line break"), ("\t", "a tab"), ("\u200b", "an invisible")])
def test_line_break_within_a_secret_names_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, within: str, what: str
) -> None:
    monkeypatch.setenv("CMBOT_TOKEN_PROD", "hush")
    monkeypatch.setenv(variable, f"very{within}secret")
    [line] = refused(written(tmp_path, cluster(token_env="CMBOT_TOKEN_PROD")))
    assert f"The environment variable {variable} has {what}" in line
    assert "very" not in line


def test_addresses_in_the_file_are_trimmed() -> None:
    text = (
        cluster(hosts='["10.0.0.1:9998\\n"]')
        + 'slack: {api_url: "https://slack.com/api/\\n"}\nstore: {url: "sqlite:///a.db "}'
    )
    settings = parse(text, secrets=Secrets(), environment={})
    assert settings.clusters[0].hosts == ("10.0.0.1:9998",)
    assert (settings.slack.api_url, settings.store.url) == ("https://slack.com/api/", "sqlite:///a.db")


SAME = [
    ("10.0.0.1:9998", "10.0.0.1:9998"),
    ("10.0.0.1:9998", "http://10.0.0.1:9998"),
    ("10.0.0.1:9998", "https://10.0.0.1:09998"),
    ("cm-1.example.com:9998", "CM-1.Example.com.:9998"),
    ("[fd00::2]:9998", "[fd00:0::0002]:9998"),
    ("[::ffff:10.0.0.1]:9998", "10.0.0.1:9998"),
    ("localhost:9998", "127.0.0.1:9998"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_clusters_with_one_host_are_refused_naming_both(one: str, other: str) -> None:
    assert meaning(one) == meaning(other)
    with pytest.raises(ConfigError) as caught:
        read_two(f'["{one}", "10.9.9.9:1"]', f'["10.8.8.8:1", "{other}"]')
    [line] = str(caught.value).splitlines()
    assert "the clusters prod and test both have the host" in line
    assert other in line


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_host_twice_in_a_cluster_is_refused(one: str, other: str) -> None:
    with pytest.raises(ConfigError, match=r"clusters\.prod\.hosts names .* twice"):
        read_two(f'["{one}", "{other}"]', '["10.8.8.8:1"]')


def test_hosts_that_differ_in_port_or_address_are_taken() -> None:
    settings = read_two('["10.0.0.1:9998", "10.0.0.1:9999"]', '["10.0.0.2:9998", "[fd00::2]:9998", "cm:9998"]')
    assert len(settings.clusters) == 2


def read_two(first: str, second: str) -> Settings:
    text = (
        f"clusters:\n  - {{name: prod, hosts: {first}, alert_channel: C0STORAGE}}\n"
        f"  - {{name: test, hosts: {second}, alert_channel: C0STORAGE}}\n"
    )
    return parse(text, secrets=Secrets(), environment={})
