"""Notes on alerts and operations, and the timeline for the post-mortem."""

import pytest

from bot.chatops.note_keeper import NoteKeeper
from bot.cli.demo import Demo
from bot.common.message_key import MessageKey
from bot.interactions.events import Click
from bot.permissions.access import Access
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_audit import _download
from tests.e2e.test_journey import ALICE, BOB, DAVE, OPERATIONS, RANDOM, STORAGE, alert, ask, propose

pytestmark = pytest.mark.fast_time

HOSTILE = "it's <!channel> & *bold* `code` x=1 \u201cquoted"


async def shown(world: Demo, line: str, channel: str = STORAGE) -> str:
    """Text of the answer to a command with a file, once that is there."""
    answer = await ask(world, line, channel=channel)
    done = await world.slack.wait_for(channel, lambda m: m.ts == answer.ts and "has all of them" in m.full_text)
    return done.full_text


async def fired(world: Demo) -> Message:
    world.clusters["prod"].break_disk(3)
    posted: Message = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    return posted


async def test_note_on_an_alert_is_in_its_thread_the_runbook_the_handover_and_the_audit_log(world: Demo) -> None:
    """The words behind the number are kept as typed; no word of them acts on the chat."""
    posted = await fired(world)
    answer = await ask(world, f"/cm note alert 1 fan 3 was loud; {HOSTILE}", channel=RANDOM)
    assert answer.text == "Kept as a note on alert #1 of prod; its thread shows it."
    assert answer.only_for == ALICE
    reply = await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == posted.ts and "noted" in m.text)
    assert reply.text.startswith(f"📝 <@{ALICE}> noted: fan 3 was loud; it's ")
    assert "<!channel>" not in reply.text
    runbook = (await ask(world, "/cm runbook disk_broken")).full_text
    assert "Notes on alerts of this rule" in runbook
    assert "on alert #1: fan 3 was loud" in runbook
    assert "note on alert #1: fan 3 was loud" in (await ask(world, "/cm handover prod")).full_text
    audit = (await ask(world, "/cm audit")).full_text
    assert "note kept" in audit
    assert "fan 3 was loud" in audit


async def test_note_on_an_operation_is_shown_with_it(world: Demo) -> None:
    card, _ = await propose(world, "/cm task disable balance reason=test")
    answer = await ask(world, "/cm note op #1 agreed with the data team", user=BOB)
    assert answer.text == "Kept as a note on operation #1 of prod; its thread shows it."
    await world.slack.wait_for(OPERATIONS, lambda m: m.thread_ts == card.ts and "agreed with the data team" in m.text)
    answer_op = (await ask(world, "/cm op 1")).full_text
    assert "*Notes*" in answer_op
    assert f"<@{BOB}>: agreed with the data team" in answer_op


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/cm note alert 99 gone", "no alert #99"),
        ("/cm note op 99 gone", "There is no operation #99"),
        ("/cm note soon the fan", "what it is about: alert 17"),
    ],
)
async def test_note_without_its_subject_or_text_is_refused(world: Demo, line: str, words: str) -> None:
    refused = await ask(world, line)
    assert words in refused.text
    assert refused.only_for == ALICE


async def test_note_by_viewer_is_refused(world: Demo) -> None:
    await fired(world)
    refused = await ask(world, "/cm note alert 1 hello", user=DAVE)
    assert "not an operator" in refused.text
    assert not [m for m in world.slack.workspace.messages if "hello" in m.text and m.thread_ts]


async def test_message_in_a_thread_is_kept_as_a_note_once(world: Demo) -> None:
    """The note has the author and the time of the message; the person who keeps it is named too."""
    posted = await fired(world)
    await world.app.outbox.settled(MessageKey.alert(1), within=5.0)
    keeper = NoteKeeper(world.app.dispatcher.notes, world.app.dispatcher.access)  # type: ignore[arg-type]
    value = (
        f'{{"thread": "{posted.ts}", "author": "{DAVE}", "text": "the &lt;fan&gt; of <@{BOB}> is <http://x.y|loud>"}}'
    )
    click = Click("trigger-1", BOB, STORAGE, "shortcut:cm_note", value, "1700000000.000100", "")
    answer = await keeper.keep(click)
    assert answer.message.text == "Kept as a note on alert #1 of prod; its thread shows it."
    again = await keeper.keep(click)
    assert again.message.text == "This is a note on alert #1 already."
    reply = await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == posted.ts and "kept a message" in m.text)
    assert reply.text == (
        f"📝 <@{BOB}> kept a message by <@{DAVE}> as a note: the &lt;fan&gt; of @{BOB} is loud (http://x.y)"
    )
    assert isinstance(keeper.access, Access)


async def test_timeline_tells_the_whole_night(world: Demo) -> None:
    """Fired, acknowledged, a proposal with its approval, a note, resolved: in order, as a message and as a file."""
    cluster = world.clusters["prod"]
    posted = await fired(world)
    await world.slack.as_user(ALICE).click(STORAGE, posted.ts, "alert_ack")
    await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and "acknowledged by" in m.full_text)
    await ask(world, "/cm note 1 replaced the disk")
    card, _ = await propose(world, "/cm task disable balance reason=quiet")
    await world.slack.as_user(BOB).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Verified" in m.full_text)
    await ask(world, "/cm silence peer_down prod for=1h reason=reboot")
    cluster.repair_disk(3, "repairing")
    cluster.repair_disk(3, "repaired")
    await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and "Resolved after" in m.full_text)
    night = await shown(world, "/cm timeline alert 1")
    assert night.startswith("Timeline of alert #1 of prod: ")
    order = [
        "▶ alert #1 fired (warning)",
        f"alert #1 was acknowledged — <@{ALICE}>",
        f"note on alert #1: replaced the disk — <@{ALICE}>",
        "operation #1 proposed: Turn balance off in prod (reason: quiet)",
        f"operation #1 approved, now running — <@{BOB}>",
        "operation #1 verified: balance is now off",
        "silence #1 of peer_down began, until",
        "alert #1 was resolved",
    ]
    places = [night.find(words) for words in order]
    assert -1 not in places, (dict(zip(order, places, strict=True)), night)
    assert places == sorted(places)
    [file] = [file for m in world.slack.workspace.messages for file in m.files]
    assert file["name"].startswith("timeline-alert-1-")
    lines = (await _download(f"http://{world.slack.page_url.split('/')[2]}{file['url']}")).splitlines()
    assert lines[0] == "# Timeline of alert #1: prod"
    events = [line for line in lines if line.startswith("- ")]
    assert all(" UTC · " in line for line in events)
    assert any(f"**alert #1 was acknowledged** (@{ALICE})" in line for line in events)


async def test_timeline_of_a_time_has_all_clusters_and_of_an_operation_its_steps(world: Demo) -> None:
    await propose(world, "/cm task disable balance reason=test")
    await ask(world, "/cm op cancel 1")
    of_time = await shown(world, "/cm timeline since=1h")
    assert "Timeline of prod and archive" in of_time
    assert "prod: operation #1 cancelled" in of_time
    assert "▶ operation #1 cancelled" in await shown(world, "/cm timeline op 1", channel=OPERATIONS)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/cm timeline", "Name an alert or operation"),
        ("/cm timeline alert 99", "no alert #99"),
        ("/cm timeline op 99", "no operation #99"),
        ("/cm timeline soon", "alert 17"),
        ("/cm timeline since=40d", "at most 31 days"),
        ("/cm timeline since=1h until=2h", "must be later than since="),
        ("/cm timeline since=1h cluster=prud", "Did you mean prod?"),
        ("/cm timeline alert 1 since=1h", "has its own time"),
    ],
)
async def test_timeline_of_nothing_is_refused(world: Demo, line: str, words: str) -> None:
    refused = await ask(world, line)
    assert words in refused.text
    assert refused.only_for == ALICE
