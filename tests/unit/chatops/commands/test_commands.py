"""Each subcommand as a person meets it: what is typed, what is answered, who sees it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.alerting.rules.thresholds import configure
from bot.chatops.commands import deadline, tasks
from bot.chatops.commands.registry import COMMANDS, GROUPS
from bot.cli.main import main
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import DetectedDialect, DialectEvidence, EvidenceKind
from bot.common.errors import ClusterTimeout, ClusterUnreachable, StoreError, UserError
from bot.common.version import own_version
from bot.interactions.command import Caller
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation
from bot.operations.requests import TaskSwitch
from tests.support.in_memory_ports import FakeAlerts, FakeApi, FakeAudit, FakeCluster, FakeDesk, typed
from tests.support.refusals import refused
from tests.support.view_samples import AT, HOSTS, degraded, disk, healthy, leaderless, seen, unreachable
from tests.support.watch_builders import polled

DISKS = [disk(n, status=2 if n % 2 else 1, idc=f"z{n % 3}") for n in range(1, 31)]


def alert(severity: Severity) -> Alert:
    return Alert(
        "prod", "some_rule", "", AlertState.FIRING, severity, LegacyDetail("Something of prod is wrong."), 1.0, id=38
    )


async def test_stat_answers_at_once_and_is_completed_in_place() -> None:
    replies = await typed("stat", FakeCluster(seen=[leaderless(), healthy()]))
    assert [reply.private for reply in replies] == [False, False]
    assert "has no leader" in replies[0].message.text
    assert "answers late, this message is updated" in seen(replies[0].message)
    assert "is healthy" in replies[1].message.text
    assert "this message is updated" not in seen(replies[1].message)


@pytest.mark.parametrize("sample", [healthy, degraded, leaderless, unreachable])
@pytest.mark.parametrize("command", ["stat", "members", "tasks"])
async def test_every_poll_is_answered_once(command: str, sample: Callable[[], Snapshot]) -> None:
    replies = await typed(command, FakeCluster(seen=[sample()]))
    # A host contradicts its leader at the degraded look, which needs a second one.
    assert len(replies) == (2 if sample is degraded and command != "tasks" else 1)
    assert all(reply.message.text.startswith("prod ") for reply in replies)


async def test_contradicted_poll_is_replaced_by_a_second_one() -> None:
    first, second = await typed("stat", FakeCluster(seen=[degraded()], second=replace(degraded(), at=AT + 5)))
    assert seen(first.message).startswith("🟡 *prod may be refusing writes: only 1 of 3 voters is proven healthy")
    assert seen(second.message).startswith("🔴 *prod may be refusing writes: only 1 of 3 voters is proven healthy")


async def test_verdicts_of_stat_and_clusters_name_an_open_alert() -> None:
    open_now = FakeAlerts((alert(Severity.CRITICAL),))
    noted = {"prod": ClusterNote(AT, "healthy", "prod is healthy.")}
    for command in ("stat", "members", "clusters"):
        [reply] = await typed(command, FakeCluster(seen=[healthy()]), alerts=open_now, remembered=noted)
        shown = seen(reply.message).replace("*prod*", "prod")
        assert "prod is critical, because alert #38 is still open. Something of prod is wrong" in shown


async def test_settings_of_rules_hold_for_the_verdict_too() -> None:
    two = replace(polled(100, nodes=(1, 2), members=(1, 2)), at=AT)
    [strict] = await typed("stat", FakeCluster(seen=[two]))
    assert "add another voter" in seen(strict.message)
    [lenient] = await typed("stat", FakeCluster(seen=[two]), rules=configure({"quorum_at_risk": {"smallest_group": 3}}))
    assert seen(lenient.message).startswith("🟢 *prod is healthy")


async def test_only_stat_asks_for_broken_disks() -> None:
    cluster = FakeCluster(seen=[healthy()])
    for command in ("stat", "members", "tasks"):
        await typed(command, cluster)
    assert [bad_disks for bad_disks, _ in cluster.read] == [True, False, False]


async def test_disks_by_filter() -> None:
    api = FakeApi(DISKS)
    [reply] = await typed("disks status=broken idc=z1 limit=3", FakeCluster(api=api))
    assert api.asked == [{"first": None, "status": None, "idc": None, "host": None, "limit": 20_000}]
    assert reply.message.text.startswith("prod has 5 disks with `status=broken` and `idc=z1`. 3 are shown")
    assert seen(reply.message).count("✗ broken") == 3


async def test_a_blobnode_is_found_with_and_without_its_scheme() -> None:
    for host in ("10.0.0.7:8899", "http://10.0.0.7:8899", "<http://10.0.0.7:8899|10.0.0.7:8899>"):
        [reply] = await typed(f"disks host={host}", FakeCluster(api=FakeApi(DISKS[:2])))
        assert reply.message.text.startswith("prod has 2 disks")
    bare = FakeApi([disk(1, host="10.0.0.9:8899")])
    [reply] = await typed("disks host=10.0.0.9:8899", FakeCluster(api=bare))
    assert reply.message.text.startswith("prod has 1 disk ")


async def test_one_disk_and_an_unknown_one() -> None:
    cluster = FakeCluster(api=FakeApi(DISKS, leader=HOSTS[0]))
    [reply] = await typed("disk 7 prod", cluster)
    assert reply.message.text.startswith("Disk #7 of prod is broken")
    with refused(r"^prod has no disk 99: /cm disks prod lists what it has\.$"):
        await typed("disk 99", cluster)


async def test_a_disk_list_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "READ_SECONDS", 0.01)
    with pytest.raises(ClusterTimeout, match="prod did not tell its disks within"):
        await typed("disks", FakeCluster(api=FakeApi(hanging=True)))


async def test_a_list_that_no_host_gives_names_the_cluster() -> None:
    async def refused() -> None:
        raise ClusterUnreachable("a refuses connections. b refuses connections.", host="a")

    with pytest.raises(ClusterUnreachable, match=r"^prod did not tell its disks: a refuses connections\. b refuses"):
        await deadline.in_time(refused(), "prod", "its disks")


async def test_the_leader_last_known_is_asked_first() -> None:
    api = FakeApi(DISKS)
    await typed("disks", FakeCluster(api=api), remembered={"prod": ClusterNote(leader_host=HOSTS[1])})
    assert api.asked[0]["first"] == HOSTS[1]


async def test_tasks_name_the_dialect_and_its_reason() -> None:
    [reply] = await typed("tasks", FakeCluster(seen=[replace(healthy(), switches={"balance": "true"})]))
    assert "dialect *v3*" in seen(reply.message)
    assert "it answered /kv/list." in seen(reply.message)
    assert "1 on" in reply.message.text


async def test_tasks_answer_before_the_dialect_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "DIALECT_SECONDS", 0.01)
    [reply] = await typed("tasks", FakeCluster(seen=[healthy()], verdict=None))
    assert "its hosts have not answered the probes yet" in seen(reply.message)


async def test_tasks_of_an_undecided_cluster_explain() -> None:
    cluster = FakeCluster(seen=[healthy()], verdict=DetectedDialect(None, DialectEvidence(EvidenceKind.NO_SIGN)))
    [reply] = await typed("tasks", cluster)
    assert "`dialect: v1` or `dialect: v3` in the settings" in seen(reply.message)


@pytest.mark.parametrize(("verb", "on"), [("enable", True), ("disable", False)])
async def test_a_switch_is_only_proposed(verb: str, on: bool) -> None:
    proposals = FakeDesk()
    [reply] = await typed(f'task {verb} Vol-Inspect prod reason="too &lt;slow&gt;"', FakeCluster(), proposals=proposals)
    caller = Caller("U0ANNA", "C0GENERAL", "trigger-1")
    assert proposals.proposed == [(caller, "prod", ChangeRequest(TaskSwitch("volume_inspect", on), "too <slow>"))]
    assert reply.private


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("balanc", 'There is no background task "balanc". Did you mean balance? There are disk_repair, balance'),
        ("zzz", 'There is no background task "zzz". There are disk_repair'),
        ("manual_migrate", "manual_migrate cannot be switched: services keep it on in any case."),
        ("Manual-Migrate", "manual_migrate cannot be switched"),
    ],
)
async def test_an_unknown_task_is_refused_before_anything_is_asked(task: str, words: str) -> None:
    proposals = FakeDesk()
    with pytest.raises(UserError) as caught:
        await typed(f"task enable {task}", FakeCluster(), proposals=proposals)
    assert str(caught.value).startswith(words)
    assert proposals.proposed == []


async def test_clusters_are_listed_from_memory() -> None:
    noted = {"prod": ClusterNote(1_699_999_990.0, "healthy", "prod is healthy.", 1, term=5)}
    [reply] = await typed("clusters", FakeCluster(), FakeCluster("test"), remembered=noted)
    assert reply.message.text == "1 of 2 clusters is healthy, 1 not polled yet."
    assert "10 s ago" in seen(reply.message)


async def test_whoami_is_private() -> None:
    [reply] = await typed("whoami")
    assert reply.private
    assert "You are an *operator*: you may propose changes" in seen(reply.message)


async def test_help_lists_every_command_and_explains_each() -> None:
    [every] = await typed("help all")
    for text in ("", "help"):
        [reply] = await typed(text)
        assert reply.private
        for command in [each for each in COMMANDS if each.path not in {(), ("help",)}]:
            assert f"`{' '.join(command.path)}`" in seen(reply.message)
    for command in COMMANDS:
        assert " ".join(("/cm", *command.path)) in seen(every.message)
    for command in [each for each in COMMANDS if each.path]:
        [reply] = await typed(f"help {' '.join(command.path)}")
        assert command.summary in seen(reply.message)


async def test_help_on_a_group_on_nothing_and_with_the_slash() -> None:
    [group] = await typed("help task")
    assert "/cm task enable" in seen(group.message)
    assert "/cm task disable" in seen(group.message)
    assert "/cm stat" not in seen(group.message)
    assert group.message.text == "/cm task: 2 commands. `/cm help all` lists all commands."
    [every] = await typed("help all")
    number = len([command for command in COMMANDS if command.path])
    assert every.message.text == f"cmbot operates CubeFS Clustermgr clusters from Slack with {number} commands."
    [slash] = await typed("help /cm stat")
    assert "*/cm stat*" in seen(slash.message)
    with refused(r'^There is no command "stta"\. Did you mean /cm help stat\?'):
        await typed("help stta")


async def test_help_shows_six_groups_with_a_button_for_each() -> None:
    [reply] = await typed("help")
    shown = [block["accessory"] for block in reply.message.blocks if "accessory" in block]
    assert [json.loads(button["value"])["group"] for button in shown] == [group.name for group in GROUPS]
    assert len(shown) == 6
    # Slack takes a bare <command> for a link.
    assert "`/cm help &lt;command&gt;`" in seen(reply.message)
    for group in GROUPS:
        [listing] = await typed(f"help {group.name}")
        assert listing.message.text.startswith(f"{group.title}: {len(group.commands)} commands.")
        assert all(f"/cm {' '.join(command.path)}" in seen(listing.message) for command in group.commands)


def test_each_command_is_in_one_group_and_no_group_hides_a_command() -> None:
    grouped = [command.path for group in GROUPS for command in group.commands]
    assert sorted([(), ("help",), *grouped]) == sorted(command.path for command in COMMANDS)
    assert not {group.name for group in GROUPS} & {path[0] for path in grouped}


async def test_tasks_are_read_while_the_database_is_silent() -> None:
    class Mute(FakeDesk):
        async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
            raise StoreError(f"no answer about {cluster}, {open_only}")

    [reply] = await typed(
        "tasks", FakeCluster(seen=[replace(healthy(), switches={"balance": "true"})]), proposals=Mute()
    )
    assert "balance" in seen(reply.message)


def test_exactly_changing_commands_need_operators() -> None:
    """But for the audit log, which tells of people, and a rejection, which the policy of the operation allows."""
    for command in COMMANDS:
        if command.path != ("op", "reject"):
            assert (command.changes or command.opens or command.path == ("audit",)) == (command.role != "viewer")
        assert command.summary.endswith(".")
        assert all(example.startswith("/cm") for example in command.examples)
    assert len({command.path for command in COMMANDS}) == len(COMMANDS)


async def test_unknown_rule_gets_one_suggestion() -> None:
    with pytest.raises(UserError) as caught:
        await typed("runbook disk_brokn")
    assert str(caught.value).endswith("Did you mean /cm runbook disk_broken?")
    with refused("Rules: "):
        await typed("runbook zzz")


@pytest.mark.parametrize("host", ["http://10.0.0.7:8899/", "10.0.0.7", "HTTP://10.0.0.7:8899", "http://10.0.0.7"])
async def test_disks_of_a_host_are_found_however_it_is_written(host: str) -> None:
    [reply] = await typed(f"disks host={host}", FakeCluster(api=FakeApi([disk(1), disk(2, host="http://10.0.0.70:1")])))
    assert "prod has 1 disk" in reply.message.text, reply.message.text


async def test_disks_of_a_zone_in_capitals_are_found() -> None:
    [reply] = await typed("disks idc=Z1", FakeCluster(api=FakeApi([disk(1), disk(2, idc="z1")])))
    assert "prod has 1 disk" in reply.message.text, reply.message.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("help nonsense", "/cm help state, change, alerting, reports, hosts or operations shows one group."),
        ("help statt", "Did you mean /cm help stat?"),
        ("help enable", "Did you mean /cm help task enable?"),
        ("ops cluster=prd", "Did you mean prod?"),
        ("summary prd", "Did you mean prod?"),
        ("audit cluster=prd", "Did you mean prod?"),
        ("runbook disk_brokn", "Did you mean /cm runbook disk_broken?"),
        ("task disable ballance", "Did you mean balance?"),
        ("disks prod status=brokn", "did you mean broken?"),
        ("disks prod statu=broken", "Did you mean status=?"),
        ("do task disabl", "Did you mean /cm do task disable?"),
        ("zzzz", "/cm help state, change, alerting, reports, hosts or operations shows one group."),
    ],
)
async def test_misspelled_name_gets_a_suggestion(text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        await typed(text, audit=FakeAudit())
    assert words in str(caught.value)


async def test_version_is_shown() -> None:
    [reply] = await typed("version")
    assert reply.message.text.startswith(f"cmbot {own_version()} on Python 3.")


def test_command_line_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"cmbot {own_version()} on Python 3.")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("leader transfer 0", "no voter has it, so leadership cannot move there"),
        ("member remove 0", "no member has it, so there is nothing to remove"),
        ("member replace 0 4 a:1", "no member has it"),
        ("member replace 3 0 a:1", "its nodes then panic at their next start"),
        ("member add 0 a:1", "its nodes then panic at their next start"),
    ],
)
async def test_peer_0_is_refused_for_a_reason_of_each_change(text: str, why: str) -> None:
    with refused(f"Peer id 0 cannot be used: .*{why}"):
        await typed(text)
