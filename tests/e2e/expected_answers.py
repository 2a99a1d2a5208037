"""Expected results of the recorded payloads, in the order in which tests/e2e/test_installation.py delivers them.

An expectation names ids, addresses and requests only, so a change of wording does not affect this table.
"""

from dataclasses import dataclass

ALICE, BOB, CAROL, DAVE = "U0ALICE", "U0BOB", "U0CAROL", "U0DAVE"
PROD, ARCHIVE = "C0OPERATIONS", "C0ARCHIVE"


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected result of one payload; no request may be sent to a cluster unless it is listed here.

    `write` is the request (cluster, path, words of its body) that a cluster receives. `edited` are words of the
    clicked message once it is edited in place; `closed` if it then has no button left. `card` is a new message with
    buttons (channel, words), `reply` are words of a new message that its sender sees, `view` words of the view that
    its sender sees, and `home` those of the Home tab.
    """

    payload: str
    write: tuple[str, str, str] | None = None
    edited: str = ""
    closed: bool = False
    card: tuple[str, str] | None = None
    reply: str = ""
    view: str = ""
    home: str = ""


ANSWERS = (
    Expected("command", reply="#22"),
    Expected("home opened", home="<@U0ALICE>"),
    Expected("home open card"),
    Expected("home show status", view="127.0.0.1:21113"),
    Expected("home show status of prod", view="127.0.0.1:21105"),
    Expected("home change", view="form:kind"),
    Expected("form task enable", card=(ARCHIVE, "balance"), reply="#22", view="#22"),
    Expected("form choose kind", view="field:for"),
    Expected("form task disable", card=(ARCHIVE, "volume_inspect"), reply="#23", view="#23"),
    Expected("form choose cluster", view="shard_disk_repair"),
    Expected("form member add dry run", reply="#10", view="#10"),
    Expected("form member remove dry run", reply="#10", view="#10"),
    # The same form sent once more: it was answered already.
    Expected("form member remove while another waits"),
    Expected("form member replace dry run", reply="Peer 2", view="Peer 2"),
    Expected("form leader transfer dry run", reply="#13", view="#13"),
    # A policy names channels for this change, and the Home tab is none of them.
    Expected("form from home", view="<#C0OPERATIONS>"),
    Expected("alert show cluster", reply="prod is "),
    Expected("alert show cluster archive", reply="archive is "),
    Expected("alert runbook", view="disk_broken"),
    Expected("alert runbook of task", view="task_off_with_work"),
    Expected("alert acknowledge as viewer", reply="access.operators"),
    Expected("alert acknowledge", edited="<@U0BOB>"),
    Expected("alert acknowledge again", reply="<@U0BOB>"),
    Expected("alert silence 1h", reply="disk_broken"),
    Expected("alert silence 4h", reply="disk_expired"),
    Expected("alert silence 24h", reply="task_off_with_work"),
    Expected("alert silence until resolved", reply="disk_broken"),
    Expected("alert fix", card=(PROD, "disk_repair"), reply="#24"),
    Expected("card approve", write=("prod", "/config/set", "disk_drop"), edited="<@U0ALICE>", closed=True),
    Expected("card reject", view="Reject operation #"),
    Expected("card cancel", edited="<@U0ALICE>", closed=True),
    Expected(
        "card confirm of archive", write=("archive", "/config/set", "blob_delete"), edited="<@U0ALICE>", closed=True
    ),
    Expected("card transfer first approver again", reply="#10"),
    Expected(
        "card transfer second approval",
        write=("archive", "/leadership/transfer", '"peer_id":2'),
        edited="<@U0CAROL>",
        closed=True,
    ),
    Expected("card replacement step", write=("prod", "/member/add", '"peer_id":6'), edited="<@U0BOB>", closed=True),
    Expected("lease extend", edited="<@U0ALICE>"),
    Expected("lease keep", edited="<@U0ALICE>", closed=True),
    Expected("decided done", reply="#1 "),
    Expected("decided rejected", reply="#2 "),
    Expected("decided cancelled", reply="#3 "),
    Expected("decided superseded", reply="#9 "),
)
