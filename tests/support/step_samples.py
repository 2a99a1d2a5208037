"""A fact of each kind that a step of an operation records, with its words."""

from bot.operations import disk_step_facts as d
from bot.operations import step_facts as s
from bot.operations.policy import Need
from bot.operations.preflight.facts.members import NodeUnknown
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import LegacyFact, block, warn
from bot.permissions.roles import Role

REFUSED = (block("quorum", LegacyFact("The quorum is lost.", "Start a voter.")),)
LED = Fingerprint(leader=1, term=7, voters=(1, 2, 3), healthy=(1, 2, 3))
MOVED = s.Difference(LED, Fingerprint(leader=2, term=8, voters=(1, 2, 3), healthy=(1, 2)))
SAME = s.Difference(LED, LED, (warn("node", NodeUnknown("cm4:9998", None)),))

SAMPLES: tuple[tuple[s.StepFact, str], ...] = (
    (s.Failure("cm1:9998 refused this."), "cm1:9998 refused this."),
    (s.Failure("cm1:9998 refused this.", "af1"), "cm1:9998 refused this. (trace id af1)"),
    (s.SwitchIs("balance", "off"), "balance is now off"),
    (s.NoLeaderSeen(), "no leader is seen just now"),
    (s.PeerLeads(2), "peer 2 leads"),
    (s.PeerStays(3), "peer 3 is still a member"),
    (s.PeerGone(3), "peer 3 is no member any more"),
    (s.PeerAbsent(4), "peer 4 is no member"),
    (s.PeerJoined(4, learner=True), "peer 4 is a member now, as learner"),
    (s.PeerJoined(4, learner=False), "peer 4 is a member now, as voter"),
    (s.DiskNow(7, 1, readonly=True), "disk #7 is normal and read-only"),
    (s.DiskNow(7, 1, readonly=True, dropping=True), "disk #7 is being dropped"),
    (s.NodeNow(2, 1), "node 2 is not dropped yet"),
    (s.NodeNow(2, 2), "node 2 is dropped"),
    (s.NodeNow(2, 6), "node 2 is in state 6 (unknown to cmbot)"),
    (s.NodeNotShown(2), "this release has no call that shows the state of node 2"),
    (
        d.OfflineStepBegun(7, d.OfflineStep.READONLY),
        "disk #7 is made read-only now: this request goes out once",
    ),
    (d.OfflineStepBegun(7, d.OfflineStep.DROP), "the drop of disk #7 begins now: this request goes out once"),
    (d.ReadonlyBefore(7), "disk #7 was read-only before: no request is sent for that"),
    (
        d.OfflineResumed(own=False),
        "the cmbot process that ran this stopped; nothing of the next step was sent, so this process goes on",
    ),
    (
        d.OfflineResumed(own=True),
        "the last result could not be stored; nothing of the next step was sent, so this process goes on",
    ),
    (d.ApprovalTooOld(), "the approval is too old: propose the rest again"),
    (
        d.WritableAgain(7),
        "disk #7 is writable again, which this operation did not ask for; it is not being dropped",
    ),
    (
        d.DropNotBegun(7, before=False, why=s.ChecksRefuse(REFUSED)),
        "disk #7 is read-only; it is not being dropped: The quorum is lost.",
    ),
    (
        d.DropNotBegun(7, before=True, why=s.DatabaseLost()),
        (
            "disk #7 is read-only, as before; it is not being dropped: nothing was sent: this cmbot process had lost "
            "the database"
        ),
    ),
    (d.DropEnded(7, 5, 0, 0), "disk #7 is dropped; safe to pull: no unit left"),
    (d.DropEnded(7, 5, 1, 1), "disk #7 is dropped, but 1 unit of 1 volume is still on it: do not pull it"),
    (d.DropEnded(7, 5, 3, 2), "disk #7 is dropped, but 3 units of 2 volumes are still on it: do not pull it"),
    (d.DropEnded(7, 5, None, None), "disk #7 is dropped; its units could not be counted: do not pull it"),
    (
        d.DropEnded(7, 9, 0, 0),
        (
            "disk #7 is in state 9, which is not known here; no unit is on it, but it may take new ones in that state: "
            "do not pull it"
        ),
    ),
    (d.DropEnded(7, 1, 0, 0), "disk #7 is normal and is not being dropped any more: do not pull it"),
    (d.PartBegun(7, 13), "disk #7 is next: operation #13"),
    (d.PartSkipped(7), "disk #7 is skipped: it is out of service or being dropped already"),
    (d.PartWaits(8, REFUSED), "disk #8 is next and waits: The quorum is lost."),
    (d.PartWaits(0, REFUSED), "the node is next and waits: The quorum is lost."),
    (
        d.PartAgain(7, 13, s.DatabaseLost(), 1, 5),
        (
            "disk #7 is next again: operation #13 ended (attempt 1 of 5): nothing was sent: this cmbot process had "
            "lost the database"
        ),
    ),
    (d.NodePartBegun(2, 14), "the node 2 is dropped now: operation #14"),
    (d.PartFailed(13, "failed"), "operation #13 ended as failed"),
    (d.SeriesBegun(12), "part of operation #12, which was approved"),
    (
        d.SeriesEnded((7,), (8, 9), d.PartFailed(13, "failed")),
        "disk #7 was begun; disks #8 and #9 stay as they are: operation #13 ended as failed",
    ),
    (d.SeriesEnded((7, 8), (9,), None), "disks #7 and #8 were begun; disk #9 stays as it is"),
    (d.SeriesEnded((), (7, 8), None), "no disk was begun; disks #7 and #8 stay as they are"),
    (d.SeriesOver(12), "operation #12, of which it is a part, has ended"),
    (
        d.NodeAccepted(2),
        "the cluster accepted the drop of node 2; this release has no call that shows its state",
    ),
    (s.ChecksRefuse(REFUSED), "The quorum is lost."),
    (s.TakesOverCard(12), "replaces operation #12; no approvals yet"),
    (s.TakesOverBlocked(REFUSED), "the cluster changed since: The quorum is lost."),
    (
        s.ClusterMoved(MOVED),
        (
            "the cluster changed since the card was shown: leader: peer 1 → peer 2; term: 7 → 8; "
            "peer 3 is no longer proven healthy"
        ),
    ),
    (
        s.ClusterMoved(s.Difference(None, LED), s.AfterMove.ALREADY_SO),
        "the cluster changed since the card was shown: an older release made the card; it is already as requested",
    ),
    (
        s.ClusterMoved(s.Difference(LED, LED), s.AfterMove.NOTHING_TO_FORCE),
        (
            "the cluster changed since the card was shown: checks differ; there is nothing left to force: type the "
            "command again without `force=yes`"
        ),
    ),
    (
        s.ClusterRemoved("prod", s.AfterRemoval.NOT_SENT),
        "prod is no longer in the settings; nothing was sent",
    ),
    (
        s.ClusterRemoved("prod", s.AfterRemoval.UNKNOWN),
        "prod is no longer in the settings; it is not known whether it was done",
    ),
    (
        s.ClusterRemoved("prod", s.AfterRemoval.NOT_RESTORED),
        "prod is no longer in the settings, so nothing goes back",
    ),
    (s.RequesterLost(Role.OPERATOR), "its requester no longer holds the role operator"),
    (
        s.ApprovalsDropped((s.LostSources("U0BEN", ("approver", "S1")), s.LostSources("U0CARA", ("admin",)))),
        "an approval no longer counts: U0BEN no longer holds approver and S1; U0CARA no longer holds admin",
    ),
    (s.ApprovalProgress(1, 2), " (1 of 2)"),
    (
        s.ApprovalProgress(0, 2, (Need("approver", 2), Need("admin", 1))),
        " (2 approvals by approver and 1 approval by admin missing)",
    ),
    (
        s.SettledByAdmin(done=True, reason="in the log", sight=None),
        " as done by an admin: in the log; cmbot cannot read the cluster now",
    ),
    (
        s.SettledByAdmin(done=False, reason="in the log", sight=s.PeerStays(3)),
        " as not done by an admin: in the log; cmbot sees: peer 3 is still a member",
    ),
    (s.DatabaseLost(), "nothing was sent: this cmbot process had lost the database"),
    (
        s.EffectUnseen(2.5, None),
        "the cluster answered 200, but the effect was not seen in 2.5 s; the current state could not be read",
    ),
    (
        s.EffectUnseen(10.0, s.PeerLeads(1)),
        "the cluster answered 200, but the effect was not seen in 10 s; peer 1 leads",
    ),
    (s.RejectedBecause("after the audit"), ": after the audit"),
    (s.NoDecision(), "there was no decision in time"),
    (s.Adopted(own=True, sight=s.PeerLeads(2)), "its result could not be stored; peer 2 leads"),
    (
        s.Adopted(own=False, sight=None),
        "the cmbot process that ran this stopped; it is not known whether the request was sent",
    ),
    (s.SeenLater(s.SwitchIs("balance", "on")), "the effect was seen; balance is now on"),
    (s.NotApplied(60.0), "not applied: one leader with a quorum held for 60 s without it"),
    (s.ComparisonOver(), "a later operation changed the same thing: no further comparison"),
    (s.Compared(contradicts=True, sight=s.PeerGone(3)), "the cluster shows the opposite: peer 3 is no member any more"),
    (s.Compared(contradicts=False, sight=s.PeerStays(3)), "looked again: peer 3 is still a member"),
    (s.CardRefused("is_archived"), "the card could not be posted: is_archived"),
    (s.KeptForGood(), ": it no longer goes back"),
    (s.ChangedSince(21), "operation #21 changed it since, so it no longer goes back"),
    (
        s.LeaseEnded("balance", on=True, op=8, restoration=s.Restoration.BEGUN),
        "balance is now turned back on (operation #8)",
    ),
    (
        s.LeaseEnded("balance", on=False, op=8, restoration=s.Restoration.DONE),
        "balance is off again (operation #8)",
    ),
    (
        s.LeaseEnded("balance", on=True, op=8, restoration=s.Restoration.UNKNOWN),
        "it is not known if balance is on again (operation #8)",
    ),
    (
        s.LeaseEnded("balance", on=True, op=8, restoration=s.Restoration.NOT_DONE),
        "balance was not restored (operation #8)",
    ),
    (s.RestoresOldValue(), "the old value is restored"),
    (
        s.RestoreRefused(REFUSED, "balance", on=True, cluster="prod"),
        "The quorum is lost. to restore it: `/cm task enable balance prod`",
    ),
    (
        s.RestoreUnread("balance", on=False, cluster="prod"),
        "the stored value of balance could not be read; to restore it: `/cm task disable balance prod`",
    ),
    (
        s.RestoreSkipped("balance", "on", 7),
        "skipped: balance is on now, no longer what operation #7 set, so it stays as it is",
    ),
)
