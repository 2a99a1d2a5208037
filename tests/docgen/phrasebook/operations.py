"""Samples of operations: cards of each kind and state, thread replies, answers, lists, forms and the Home tab."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.progress import LeftCount
from bot.interactions.message import Undelivered
from bot.operations.change_request import RequestOptions
from bot.operations.disk_step_facts import (
    DropEnded,
    DropNotBegun,
    OfflineStep,
    OfflineStepBegun,
    PartBegun,
    PartFailed,
    SeriesEnded,
    WritableAgain,
)
from bot.operations.model import (
    TRANSITIONS,
    DiskCount,
    DropProgress,
    ObservedDisk,
    ObservedState,
    ObservedSwitch,
    Operation,
    OpState,
    Settlement,
    StepKind,
    advance,
    note,
)
from bot.operations.policy import POLICIES, Terms, of_agent, stricter
from bot.operations.preflight.check import PreflightContext, preflight
from bot.operations.replacement_plan import replace_plan
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DiskRequest,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    NodeOffline,
    Request,
    TaskSwitch,
)
from bot.operations.step_facts import DiskNow, Failure, LegacyDifference, LegacyWords
from bot.permissions.one_time_codes import CodeVerdict
from bot.views import forms, operations, ops_list
from bot.views.code_forms import code_asked, code_form, code_refused
from bot.views.containers import without_containers
from bot.views.home import Home, HomeCluster, Waiting, home
from bot.views.inputs import Choice
from bot.views.mentions import change_offered
from bot.views.policy_text import NOTE
from tests.docgen.cluster_fixture import DOWN, Scene
from tests.docgen.disk_fixture import DiskScene, blobnode
from tests.docgen.phrasebook.alerts import BROKEN
from tests.docgen.phrasebook.render import Sample, Section
from tests.support.view_samples import AT

LINK = "https://example.slack.com/archives/C0OPS/p1"
SWITCH = ObservedSwitch("balance", "true", "on", "false", "v3", LegacyWords("10.0.0.1:9998 answered /kv/list."))
ENDS: Mapping[OpState, tuple[str, str]] = {
    OpState.VERIFIED: ("", "balance is now off"),
    OpState.FAILED: ("", "the cluster has no leader"),
    OpState.UNKNOWN: ("", "10.0.0.1:9998 gave no readable answer; the change may or may not have been applied"),
    OpState.BLOCKED: ("", "prod is no longer configured"),
    OpState.REJECTED: ("U0BEN", "not now"),
    OpState.CANCELLED: ("U0ANNA", ""),
    OpState.EXPIRED: ("", "there was no decision in time"),
    OpState.SUPERSEDED: ("", "a check has changed"),
    OpState.CLOSED: ("", "prod was removed from the settings"),
}
"""Who ended it and the recorded text, "" for the step of the same name, by state."""


def _operation(request: Request, policy: str, scene: Scene | None = None, *, forced: bool = False) -> Operation:
    verdict = preflight(request, *(scene or Scene()).snapshots(), facts=PreflightContext(node_answers=True))
    terms = POLICIES[policy]
    return Operation(
        "prod",
        request,
        "U0ANNA",
        AT,
        AT + 900,
        options=RequestOptions(forced=forced),
        seen=ObservedState(verdict=verdict.forced() if forced else verdict),
        channel="C0OPS",
        reason="rush hour",
        id=12,
        terms=Terms(stricter(terms, POLICIES["break_glass"]) if forced else terms),
    )


SWITCHING = replace(
    _operation(TaskSwitch("balance", on=False), "task_disable"),
    seen=ObservedState(leader="10.0.0.1:9998", dialect="v3", switch=SWITCH),
)
ENABLING = replace(
    SWITCHING,
    request=TaskSwitch("balance", on=True),
    terms=Terms(POLICIES["task_enable"]),
    seen=replace(SWITCHING.seen, switch=replace(SWITCH, value="false", meaning="off", will_send="true")),
)
WAITING = advance(SWITCHING, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)
RUNNING = advance(WAITING, OpState.RUNNING, at=AT + 60, by="U0BEN", kind=StepKind.APPROVED)


def sections() -> Iterator[Section]:
    """Yield the sections."""
    yield Section("Cards of operations, by kind", tuple(_kinds()))
    yield Section("Cards of operations and replies in their threads, by state", tuple(_states()))
    yield Section("Disks taken offline", tuple(_disk_states()))
    yield Section("Leases of switches", tuple(_leases()))
    yield Section("Answers about operations", tuple(_answers()))
    yield Section("Forms (`/cm do`)", tuple(_forms()))
    yield Section("Changes by mention (`@cmbot …`)", tuple(_mentions()))
    yield Section("The code of break-glass", tuple(_codes()))
    yield Section("Home tab", tuple(_home()))


def _kinds() -> Iterator[Sample]:
    down = Scene(peers={3: DOWN}, silent=frozenset({3}))
    wanted: tuple[tuple[str, Operation], ...] = (
        ("task disable", SWITCHING),
        ("task enable", ENABLING),
        ("member add", _operation(MemberAdd(4, "cm4:10110", "cm4:9998"), "member_add")),
        ("member remove, healthy", _operation(MemberRemove(3), "member_remove")),
        ("member remove, down", _operation(MemberRemove(3), "member_remove", down)),
        ("leader transfer with break-glass", _operation(LeaderTransfer(3), "leader_transfer", down, forced=True)),
        ("leader transfer", _operation(LeaderTransfer(2), "leader_transfer")),
        ("leader transfer to a voter that is down", _operation(LeaderTransfer(3), "leader_transfer", down)),
    )
    for state, op in (*wanted, *_disk_kinds()):
        verdict = op.seen.verdict
        blocked = verdict is not None and verdict.blocked
        if blocked:
            after = advance(op, OpState.BLOCKED, at=AT, fact=LegacyWords("a check refuses it"))
        else:
            after = advance(op, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)
        yield Sample(f"{state}: {after.state}", operations.card(after))
        if state == "leader transfer":
            yield Sample("the same where Slack takes no containers", without_containers(operations.card(after)))


def _disk_operation(request: DiskRequest, policy: str, *targets: int) -> Operation:
    writable = request == DiskAccess(7, readonly=False)
    scene = DiskScene(targets=targets, readonly=frozenset(targets if writable else ()))
    verdict = preflight(request, *Scene().snapshots(), facts=PreflightContext(disks=scene.facts()))
    disks = tuple(ObservedDisk(disk, blobnode(disk), f"/data/disk{disk}", "z0", 3, 3) for disk in targets)
    return replace(
        _operation(LeaderTransfer(2), policy), request=request, seen=ObservedState(verdict=verdict, disks=disks)
    )


OFFLINE = _disk_operation(DiskOffline(7), "disk_offline", 7)
SEVERAL = _disk_operation(DisksOffline((7, 12)), "disk_offline", 7, 12)


def _disk_kinds() -> tuple[tuple[str, Operation], ...]:
    return (
        ("disk readonly", _disk_operation(DiskAccess(7, readonly=True), "disk_readonly", 7)),
        ("disk writable", _disk_operation(DiskAccess(7, readonly=False), "disk_writable", 7)),
        ("disk broken", _disk_operation(DiskBroken(7), "disk_broken", 7)),
        ("disk offline", OFFLINE),
        ("disk offline of several", SEVERAL),
        ("node offline", _disk_operation(NodeOffline("10.0.1.3:8889"), "node_offline", 9, 10)),
    )


def _disk_states() -> Iterator[Sample]:
    op = advance(OFFLINE, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)
    op = advance(op, OpState.RUNNING, at=AT + 60, by="U0BEN", kind=StepKind.APPROVED)
    op = note(op, at=AT + 60, fact=OfflineStepBegun(7, OfflineStep.READONLY))
    yield Sample("disk offline, first step: card", operations.card(op))
    op = note(op, at=AT + 61, fact=DiskNow(7, 1, readonly=True))
    writable = advance(op, OpState.FAILED, at=AT + 62, fact=WritableAgain(7))
    yield Sample("disk offline, writable again: card", operations.card(writable))
    refused = DropNotBegun(7, before=False, why=Failure("10.0.0.1:9998 refused /disk/drop: disk is abnormal."))
    yield Sample(
        "disk offline, not dropped: card", operations.card(advance(op, OpState.FAILED, at=AT + 62, fact=refused))
    )
    op = note(op, at=AT + 61, fact=OfflineStepBegun(7, OfflineStep.DROP))
    begun = advance(op, OpState.VERIFIED, at=AT + 62, fact=DiskNow(7, 1, readonly=True, dropping=True))
    counts = (LeftCount(AT + 70, 120), LeftCount(AT + 670, 88))
    moving = replace(begun, seen=replace(begun.seen, drop=DropProgress(counts, 120)))
    yield Sample("disk offline, units move: card", operations.card(moving))
    yield from _drop_ends(begun)
    parts = advance(SEVERAL, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)
    parts = advance(parts, OpState.RUNNING, at=AT + 60, by="U0BEN", kind=StepKind.APPROVED)
    parts = note(parts, at=AT + 61, fact=PartBegun(7, 13))
    yield Sample("several disks: card", operations.card(parts))
    both = note(parts, at=AT + 300, fact=PartBegun(12, 14))
    left = (DiskCount(7, AT + 600, 0, 5, dropping=False), DiskCount(12, AT + 600, 42, 1, dropping=True))
    yield Sample("several disks, counted: card", operations.card(replace(both, seen=replace(both.seen, counts=left))))
    ended = SeriesEnded((7,), (12,), PartFailed(13, "failed"))
    yield Sample(
        "several disks, stopped: card", operations.card(advance(parts, OpState.FAILED, at=AT + 70, fact=ended))
    )


def _drop_ends(begun: Operation) -> Iterator[Sample]:
    for name, left in (("safe to pull", 0), ("not empty", 3)):
        drop = DropProgress((LeftCount(AT + 3600, left),), 120, over=not left)
        ended = DropEnded(7, 5, left, left)
        op = note(begun, at=AT + 3600, fact=ended, seen=replace(begun.seen, drop=drop))
        yield Sample(f"disk offline, dropped, {name}: card", operations.card(op))
        yield Sample(f"disk offline, dropped, {name}: reply", operations.line(op))


def _states() -> Iterator[Sample]:
    approved = note(WAITING, at=AT + 30, by="U0BEN", kind=StepKind.APPROVED, approvals=("U0BEN",))
    removal = advance(
        _operation(MemberRemove(3), "member_remove"), OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED
    )
    moved = replace(
        removal, seen=replace(removal.seen, difference=LegacyDifference(("the leader was peer 1, now it is peer 2",)))
    )
    reached = [SWITCHING, WAITING, approved, moved, RUNNING]
    for state, (by, text) in ENDS.items():
        start = RUNNING if state not in TRANSITIONS[OpState.WAITING] else WAITING
        kind = None if text else StepKind(state)
        reached.append(advance(start, state, at=AT + 61, by=by, fact=LegacyWords(text) if text else None, kind=kind))
    by_agent = _of_agent(WAITING)
    yield Sample("waiting, proposed by an agent: card", operations.card(by_agent))
    yield Sample("waiting, proposed by an agent: /cm ops", ops_list.listed((by_agent,), open_only=True, now=AT + 70))
    yield Sample("all volumes of a disk", ops_list.volumes(_disk_operation(DiskBroken(7), "disk_broken", 7), 1))
    yield Sample("no check of volumes", ops_list.volumes(WAITING, 1))
    unknown = advance(RUNNING, OpState.UNKNOWN, at=AT + 61, fact=LegacyWords(ENDS[OpState.UNKNOWN][1]))
    settled = advance(
        unknown,
        OpState.FAILED,
        at=AT + 90,
        by="U0ADA",
        kind=StepKind.SETTLED,
        fact=LegacyWords(" as not done by an admin"),
    )
    seen = replace(
        settled.seen, settlement=Settlement(done=False, at=AT + 90), contradiction=LegacyWords("balance is off now")
    )
    reached.append(replace(settled, seen=seen))
    for op in reached:
        name = f"{op.state}{', one approval' if op is approved else ', took over a card' if op is moved else ''}"
        yield Sample(f"{name}: card", operations.card(op))
        if op.history:
            yield Sample(f"{name}: reply", operations.thread_line(op))
    done = next(op for op in reached if op.state is OpState.VERIFIED)
    yield Sample("verified: direct message to the requester", operations.result(done))
    if removal.terms is not None:
        calling = replace(removal.terms, policy=replace(removal.terms.policy, call=("S0ONCALL",)))
        yield Sample(
            "waiting, its approvers called: reply", operations.thread_line(replace(removal, terms=calling), call=True)
        )


def _of_agent(op: Operation) -> Operation:
    reason = "disks fail *today* `<!channel>`"
    terms = Terms(of_agent(op.terms.policy)) if op.terms else None
    return replace(op, options=replace(op.options, agent=True), reason=reason, terms=terms)


def _leases() -> Iterator[Sample]:
    leased = replace(SWITCHING, options=RequestOptions(lease=7200.0), lease_until=AT + 7200)
    waiting = advance(leased, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)
    running = advance(waiting, OpState.RUNNING, at=AT + 60, by="U0BEN", kind=StepKind.APPROVED)
    done = advance(running, OpState.VERIFIED, at=AT + 61, fact=LegacyWords("balance is now off"))
    yield Sample("waiting", operations.card(waiting))
    yield Sample("verified, until the end of the lease", operations.card(done))
    yield Sample("announcement before the end", operations.warning(done))


def _answers() -> Iterator[Sample]:
    blocked = _operation(LeaderTransfer(3), "leader_transfer", Scene(peers={3: DOWN}, silent=frozenset({3})))
    verdict, fine = blocked.seen.verdict, _operation(LeaderTransfer(2), "leader_transfer")
    assert verdict is not None
    assert fine.seen.verdict is not None
    yield Sample("proposed", operations.proposed(WAITING, LINK))
    yield Sample("proposed, the card has no link yet", operations.proposed(WAITING, ""))
    yield Sample("nothing to do", operations.already(WAITING))
    yield Sample("refused by the preflight", operations.evaluation(blocked, verdict, dry_run=False))
    yield Sample("dry run", operations.evaluation(fine, fine.seen.verdict, dry_run=True))
    unknown = advance(RUNNING, OpState.UNKNOWN, at=AT + 61, fact=LegacyWords(ENDS[OpState.UNKNOWN][1]))
    ended = advance(
        unknown,
        OpState.FAILED,
        at=AT + 90,
        by="U0ADA",
        kind=StepKind.SETTLED,
        fact=LegacyWords(" as not done by an admin"),
    )
    yield Sample("settled by an admin", operations.settled(ended))
    refused = Undelivered("C0STORAGE", "1 disk is broken.", "is_archived", AT - 60)
    yield Sample("/cm ops", ops_list.listed((WAITING, RUNNING), open_only=True, now=AT + 70, undelivered=(refused,)))
    yield Sample("/cm ops, none", ops_list.listed((), open_only=True, now=AT))
    yield Sample("/cm ops all", ops_list.listed((ended,), open_only=False, now=AT + 95))
    yield Sample("/cm op", ops_list.shown(ended))
    yield Sample("/cm ops retry", ops_list.redelivered(2))
    yield Sample("/cm ops retry, none", ops_list.redelivered(0))
    down = Scene(peers={3: DOWN}, silent=frozenset({3}))
    steps = replace_plan(3, 4, "cm4:10110", "cm4:9998", *down.snapshots())
    plan = ops_list.plan("prod", 3, 4, steps)
    yield Sample("plan of a replacement", plan)
    yield Sample("plan of a replacement and its proposal", ops_list.joined(plan, operations.proposed(WAITING, LINK)))
    unknown_steps = replace_plan(3, 4, "cm4:10110", "cm4:9998", *Scene(leader=0).snapshots())
    yield Sample("plan of a replacement without a leader", ops_list.plan("prod", 3, 4, unknown_steps))


def _forms() -> Iterator[Sample]:
    kinds = (Choice("task disable", "Turn a background task off"), Choice("member remove", "Remove a member"))
    clusters = (Choice("archive", "archive"), Choice("prod", "prod"))
    entries = (
        forms.FormField(
            "task",
            "Background task",
            "The task to switch, as the list of tasks shows it",
            required=True,
            choices=(Choice("balance", "balance", "on"),),
        ),
        forms.FormField("reason", "Reason"),
        forms.FormField("dry_run", "Only check", flag=True),
    )
    yield Sample("opening", forms.loading())
    yield Sample("empty", forms.form(forms.Form(kinds, "", clusters, "")))
    ready = forms.Form(kinds, "task disable", clusters, "prod", entries, ("prod was read just now.",))
    yield Sample("to fill in", forms.form(ready))
    yield Sample("being checked", forms.checking("prod"))
    yield Sample("answered", forms.notice(operations.proposed(WAITING, LINK), "prod"))
    yield Sample("above the fields, while the checks run", forms.being_checked())
    yield Sample("above the fields, too little for the checks", forms.incomplete())


def _mentions() -> Iterator[Sample]:
    typed = "task disable balance prod reason=rush"
    yield Sample(
        "a change that makes a card", change_offered(typed, "U0ANNA", shown=typed, complete=True, proposes=True)
    )
    yield Sample("a change at once", change_offered("ack 3", "U0ANNA", shown="ack 3", complete=True, proposes=False))
    yield Sample(
        "a change without an argument",
        change_offered("task disable", "U0ANNA", shown="task disable", complete=False, proposes=True),
    )


def _codes() -> Iterator[Sample]:
    typed = "leader transfer 3 prod force=yes reason=drill"
    yield Sample("the form", code_form(typed, ""))
    yield Sample("the button that opens it", code_asked(typed, typed, "U0ANNA", "prod"))
    for verdict in CodeVerdict:
        if verdict is not CodeVerdict.ACCEPTED:
            yield Sample(f"refused: {verdict.value}", code_refused(verdict, left=4, user="U0ANNA"))


def _home() -> Iterator[Sample]:
    clusters = (
        HomeCluster("archive", ClusterNote(AT - 20, "healthy", "archive is healthy.", 2, term=4)),
        HomeCluster("prod", ClusterNote(AT - 10, "degraded", "prod is degraded: 1 disk is broken.", 1, term=7)),
        HomeCluster("test", ClusterNote()),
    )
    rights = ("You are an operator of every cluster.",)
    full = Home(
        clusters,
        rights,
        ("prod",),
        (BROKEN,),
        (Waiting(WAITING, LINK, mine=True), Waiting(WAITING)),
        AT,
        2,
        links={BROKEN.id: LINK},
    )
    yield Sample("operator", home(full))
    yield Sample("the database does not answer", home(Home(clusters, rights, ("prod",), now=AT, store_down=True)))
    yield Sample("the default policies are not set", home(Home(clusters, rights, ("prod",), now=AT, notes=(NOTE,))))
    yield Sample("viewer, nothing is open", home(Home(clusters[:1], ("You may read.",), now=AT)))
