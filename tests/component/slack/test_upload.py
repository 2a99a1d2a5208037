"""A file on its way into a channel, and all that can go wrong with it."""

import json
from typing import Any

import pytest

from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.slack.client import SlackClient
from tests.support.slack_stub import Answer, Asked, Stub, cuts, says, writes

ADDRESS, DONE = "files.getUploadURLExternal", "files.completeUploadExternal"
FILE = b'{"seq":1}'
"""JSON, so that the stub can note it as arguments."""


def given(stub: Stub, address: str = "") -> Answer:
    return says({"ok": True, "upload_url": address or f"{stub.origin}/api/upload", "file_id": "F1"})


async def upload(gateway: SlackClient, **options: Any) -> None:
    await gateway.upload("C1", "audit.csv", FILE, title="Audit log", **options)


def asked(stub: Stub, method: str) -> Asked:
    [found] = [each for each in stub.asked if each.method == method]
    return found


async def test_upload_sends_the_bytes_then_shares_the_file(stub: Stub, gateway: SlackClient) -> None:
    stub.will(ADDRESS, given(stub))
    await upload(gateway, comment="All of it", thread_ts="1.5")
    assert [each.method for each in stub.asked] == [ADDRESS, "upload", DONE]
    assert asked(stub, ADDRESS).arguments == {"filename": "audit.csv", "length": str(len(FILE))}
    sent = asked(stub, "upload")
    assert (sent.arguments, sent.headers["Content-Length"]) == ({"seq": 1}, str(len(FILE)))
    assert "Authorization" not in sent.headers, "the address belongs to a store of files, not to the Web API"
    done = dict(asked(stub, DONE).arguments)
    assert json.loads(done.pop("files")) == [{"id": "F1", "title": "Audit log"}]
    assert done == {"channel_id": "C1", "initial_comment": "All of it", "thread_ts": "1.5"}


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/latest", "file:///etc/passwd", "ftp://x/y", "http://[", "https://"]
)
async def test_no_request_goes_to_an_address_outside_slack(stub: Stub, gateway: SlackClient, address: str) -> None:
    stub.will(ADDRESS, given(stub, address))
    with pytest.raises(SlackError) as caught:
        await upload(gateway)
    assert caught.value.code == "invalid_upload_url"
    assert len(stub.asked) == 1


async def test_an_answer_without_an_address_is_no_success(stub: Stub, gateway: SlackClient) -> None:
    stub.will(ADDRESS, says({"ok": True, "file_id": "F1"}))
    with pytest.raises(SlackError):
        await upload(gateway)


async def test_a_missing_scope_is_named(stub: Stub, gateway: SlackClient) -> None:
    stub.will(ADDRESS, says({"ok": False, "error": "missing_scope"}))
    with pytest.raises(SlackError, match="it needs the scope files:write"):
        await upload(gateway)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(writes("no", status=403), SlackError), (writes("busy", status=503), SlackRetryable), (cuts, SlackRetryable)],
)
async def test_bytes_that_did_not_arrive_share_nothing(
    stub: Stub, gateway: SlackClient, answer: Answer, kind: type[SlackError]
) -> None:
    stub.will(ADDRESS, given(stub))
    stub.will("upload", answer)
    with pytest.raises(kind):
        await upload(gateway)
    assert [each.method for each in stub.asked] == [ADDRESS, "upload"]


async def test_a_lost_answer_to_the_sharing_may_have_shared_it(stub: Stub, gateway: SlackClient) -> None:
    stub.will(ADDRESS, given(stub))
    stub.will(DONE, cuts)
    with pytest.raises(SlackLost):
        await upload(gateway)
