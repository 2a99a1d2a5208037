"""The commands that change the raft group or follow operations: what they make of what is typed."""

import re
from dataclasses import replace

import pytest

from bot.chatops.commands.disk_changes import BROKEN, NODE_OFFLINE, OFFLINE
from bot.chatops.commands.usage import usage
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.errors import UserError
from bot.interactions.command import Command
from bot.operations.change_request import ChangeRequest, RequestOptions
from bot.operations.model import Operation, OpState, advance
from bot.operations.replacement_plan import Replacement
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, NodeOffline, TaskSwitch
from tests.support.in_memory_ports import FakeApi, FakeCluster, FakeDesk, typed
from tests.support.refusals import refused
from tests.support.view_samples import AT, seen

OP = advance(
    Operation("prod", MemberRemove(3), "U0ANNA", AT, AT + 900, channel="C0OPS", id=12),
    OpState.WAITING,
    at=AT,
)


@pytest.mark.parametrize(
    ("line", "change_request"),
    [
        (
            "member add 4 cm4:10110 node=cm4:9998",
            ChangeRequest(MemberAdd(4, "cm4:10110", "cm4:9998", learner=True)),
        ),
        (
            "member add 4 CM4:10110 as=normal node=cm4:9998 reason=more",
            ChangeRequest(MemberAdd(4, "cm4:10110", "cm4:9998", learner=False), "more"),
        ),
        (
            "member add 4 <http://cm4.example.com:10110|cm4.example.com:10110>",
            ChangeRequest(MemberAdd(4, "cm4.example.com:10110")),
        ),
        ("member remove 18446744073709551615 prod", ChangeRequest(MemberRemove(2**64 - 1))),
        ("member remove 3 dry-run=yes", ChangeRequest(MemberRemove(3), dry_run=True)),
        ("member remove 3 force=yes reason=lost", ChangeRequest(MemberRemove(3), "lost", RequestOptions(forced=True))),
        ("leader transfer 2", ChangeRequest(LeaderTransfer(2))),
        (
            "task disable balance for=2h",
            ChangeRequest(TaskSwitch("balance", on=False), options=RequestOptions(lease=7200.0)),
        ),
        (
            "task enable inspect for=1d dialect=v1",
            ChangeRequest(TaskSwitch("volume_inspect", on=True), options=RequestOptions(lease=86400, dialect="v1")),
        ),
    ],
)
async def test_typed_command_becomes_a_change_request(line: str, change_request: ChangeRequest) -> None:
    proposals = FakeDesk()
    [reply] = await typed(line, FakeCluster(), proposals=proposals)
    assert [made for _, cluster, made in proposals.proposed if cluster == "prod"] == [change_request]
    assert reply.private


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("member add 4", "needs host"),
        ("member add 4 cm4:10110 as=voter", "one of learner, normal"),
        ("member remove -1", "out of range"),
        ("member remove 0", "Peer id 0 cannot be used"),
        ("member remove 18446744073709551616", "out of range"),
        ("member remove 1e3", "whole number in plain digits"),
        ("member remove ٣", "whole number in plain digits"),
        ("member add 4 https://cm4:10110", "a scheme such as http://"),
        ("member add 4 cm4:99999", "between 1 and 65535"),
        ("member add 4 cm4:10110 node=cm4:10110", "a node has two ports"),
        ("member replace 3 4 cm4 node=cm4:9998", "has no port"),
        ("task disable balance for=2", "such as 30m, 2h30m, 7d or 1w"),
        ("task disable balance for=99d", "between 1m and 30d"),
        ("op 0", "at least 1"),
        ("op settle 12 maybe reason=abc", "one of done, not-done"),
        ("op settle 12 done", "needs reason"),
        ("ops state=old", "one of open, recent"),
    ],
)
async def test_impossible_arguments_get_one_sentence_without_a_request(line: str, words: str) -> None:
    proposals = FakeDesk()
    with refused(re.escape(words)):
        await typed(line, FakeCluster(), proposals=proposals)
    assert (proposals.proposed, proposals.done) == ([], [])


async def test_replace_cancel_and_settle_reach_the_proposal_service() -> None:
    proposals = FakeDesk()
    await typed("member replace 3 4 CM4:10110 node=cm4:9998 reason=lost", proposals=proposals)
    await typed("op cancel 12", proposals=proposals)
    await typed('op settle 12 NOT-DONE reason="not in the log"', proposals=proposals)
    assert proposals.done == [
        ("replace", "prod", Replacement(3, 4, "cm4:10110", "cm4:9998"), "lost"),
        ("cancel", 12),
        ("settle", 12, False, "not in the log"),
    ]


async def test_operations_are_listed_and_shown_without_buttons() -> None:
    ended = replace(OP, id=11, state=OpState.VERIFIED, approvals=("U0BEN",), cluster="test")
    proposals = FakeDesk(known=(OP, ended))
    [opened] = await typed("ops", proposals=proposals)
    [recent] = await typed("ops state=recent", proposals=proposals)
    [of_test] = await typed("ops cluster=test", proposals=proposals)
    [one] = await typed("op 12", proposals=proposals)
    assert "1 open operation. Operation #12: Remove peer 3 from prod, waiting." in opened.message.text
    assert "U0BEN" in seen(recent.message)
    assert "There is no open operation" in of_test.message.text
    assert "Remove peer 3 from prod" in seen(one.message)
    assert not [block for block in one.message.blocks if block["type"] == "actions"]


BLOBNODES = (Disk(disk_id=1, host="http://10.3.0.12:8899"), Disk(disk_id=2, host="http://10.3.0.12:8899"))


async def test_host_without_a_port_is_completed_by_the_disk_list() -> None:
    desk = FakeDesk()
    await typed("node offline 10.3.0.12 reason=old", FakeCluster(api=FakeApi(BLOBNODES)), proposals=desk)
    assert [request.request for _, _, request in desk.proposed] == [NodeOffline("10.3.0.12:8899")]


@pytest.mark.parametrize(
    "given",
    ["http://10.3.0.12:8899", "HTTPS://10.3.0.12:8899/", "10.3.0.12:8899", "http://10.3.0.12", "http://10.3.0.12/"],
)
async def test_blobnode_is_accepted_as_the_disk_list_shows_it(given: str) -> None:
    desk = FakeDesk()
    await typed(f"node offline {given} reason=old", FakeCluster(api=FakeApi(BLOBNODES)), proposals=desk)
    assert [request.request for _, _, request in desk.proposed] == [NodeOffline("10.3.0.12:8899")]


@pytest.mark.parametrize("given", ["10.9.9.9", "http://10.9.9.9"])
async def test_unknown_host_names_the_hosts_that_have_disks(given: str) -> None:
    gone = Disk(disk_id=4, host="http://10.3.0.14:8899", status=DiskStatus.DROPPED)
    other = Disk(disk_id=3, host="http://10.3.0.13:8899")
    api = FakeApi((*BLOBNODES, other, gone))
    with pytest.raises(UserError) as refused:
        await typed(f"node offline {given} reason=old", FakeCluster(api=api), proposals=FakeDesk())
    assert refused.value.argument == "host"
    assert str(refused.value).startswith("prod has no disk in use on ")
    assert str(refused.value).endswith("Disks are on 10.3.0.12:8899 and 10.3.0.13:8899: write one of these.")


async def test_blobnode_that_is_out_of_service_does_not_make_a_host_ambiguous() -> None:
    gone = Disk(disk_id=3, host="http://10.3.0.12:8900", status=DiskStatus.DROPPED)
    desk = FakeDesk()
    await typed("node offline 10.3.0.12 reason=old", FakeCluster(api=FakeApi((*BLOBNODES, gone))), proposals=desk)
    assert [request.request for _, _, request in desk.proposed] == [NodeOffline("10.3.0.12:8899")]


@pytest.mark.parametrize("given", ["ftp://10.3.0.12:8899", "10.3.0.12:8899/d1", "10.3.0.12:0"])
async def test_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(UserError):
        await typed(f"node offline {given} reason=old", FakeCluster(api=FakeApi(BLOBNODES)), proposals=FakeDesk())


async def test_host_with_several_blobnodes_needs_its_port() -> None:
    api = FakeApi((*BLOBNODES, Disk(disk_id=3, host="http://10.3.0.12:8900")))
    with pytest.raises(UserError, match=r"write one of 10\.3\.0\.12:8899 or 10\.3\.0\.12:8900"):
        await typed("node offline 10.3.0.12 reason=old", FakeCluster(api=api), proposals=FakeDesk())


@pytest.mark.parametrize("command", [BROKEN, OFFLINE, NODE_OFFLINE], ids=lambda command: command.path[-1])
def test_reason_that_the_policy_asks_for_is_written_as_required(command: Command) -> None:
    assert " reason=… " in usage(command)
