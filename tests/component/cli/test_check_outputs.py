"""`cmbot check`: receivers that can be reached pass, and get a message only when asked for it."""

from bot.cli.check_outputs import check_outputs
from bot.config import Secrets, Settings, parse
from tests.support.receiver import recording_receiver

AM_STATUS = {"versionInfo": {"version": "0.25.0"}}
TEXT = """
clusters:
  - {{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE}}
inputs: {{token_env: T}}
outputs:
  receivers:
    - {{name: am, kind: alertmanager, url: "{url}"}}
    - {{name: hook, kind: webhook, url: "{url}/hook", secret_env: S}}
    - {{name: pager, kind: pagerduty, url: "{url}/pager", key_env: S}}
    - {{name: gone, kind: webhook, url: "http://127.0.0.1:1/SECRETPATH", secret_env: S}}
"""


def read(url: str, token: str) -> Settings:
    return parse(TEXT.format(url=url), secrets=Secrets(_env_file=None), environment={"S": "s", "T": token})


async def test_receivers_are_reached_and_nothing_is_sent() -> None:
    async with recording_receiver(answer=AM_STATUS) as receiver:
        rows = {row.what: row for row in await check_outputs(read(receiver.url, "x" * 32))}
        assert [each.method for each in receiver.taken] == ["GET"]
    assert {what for what, row in rows.items() if not row.well} == {"receiver gone"}
    assert rows["receiver am"].found == "Alertmanager 0.25.0"
    assert rows["receiver gone"].found == "it cannot be reached (it refuses connections)"
    assert "SECRETPATH" not in str(rows)


async def test_a_test_message_is_sent_when_asked_for() -> None:
    """An Alertmanager and PagerDuty hear of its end as well."""
    async with recording_receiver(answer=AM_STATUS) as receiver:
        rows = await check_outputs(read(receiver.url, "short"), send=True)
        posted = [each.path for each in receiver.taken if each.method == "POST"]
        assert sorted(posted) == ["/api/v2/alerts", "/api/v2/alerts", "/hook", "/pager", "/pager"]
        assert all(b"test" in each.body for each in receiver.taken if each.method == "POST")
    assert {row.what for row in rows if not row.well} == {"receiver gone", "inputs.token_env"}


async def test_what_is_no_alertmanager_fails() -> None:
    async with recording_receiver() as receiver:
        (row, *_) = await check_outputs(read(receiver.url, "x" * 32))
    assert (row.well, row.found) == (False, "it is not an Alertmanager with the API v2")
