"""One example of every kind of alert detail and of every kind of outcome."""

from bot.alerting import details as d
from bot.alerting import outcomes as o
from bot.alerting.model import Detail, LegacyDetail, LegacyOutcome, Outcome
from bot.alerting.progress import WorkProgress
from bot.alerting.risk_facts import NotRebuilt, RiskCaveats, SafetyCounts
from bot.clustermgr.health import VoterFault, VoterFaultKind
from bot.clustermgr.scheduler_survey import SchedulerFault
from bot.clustermgr.tasks import SwitchEffect

MOVE = d.LeaderMove(1, 2, 6, 100.5, 30.0, 12, ("U1", "U2"), 3)
DISK = d.DiskName(7, 2, "http://h:1", "/data/7", "z0")
REPAIRING = d.DiskName(9, 3, "http://h:1", "/data/9", "z0")
SWITCH = d.StoredSwitch("balance", None, SwitchEffect.WRITE_OFF)
UNJUDGED = RiskCaveats(judged=False)
CAVEATS = RiskCaveats(
    pending_disks=2,
    pending_volumes=None,
    listed=False,
    unwritten=1,
    not_rebuilt=NotRebuilt.OFF,
    unnamed=1,
    counts=SafetyCounts(0, 5, 9),
    dashboard=SafetyCounts(1, 2, 11),
)
DETAIL_SAMPLES: tuple[Detail, ...] = (
    d.ExternalReport(
        "HighLatency",
        "page",
        "p99 is 2 s <!channel>",
        (("job", "access"), ("zone", "z0")),
        "http://prometheus:9090/graph",
        90.0,
    ),
    LegacyDetail("2 disks are broken.", ("disk 7",), 3, "Wait.", 12, ("U1",)),
    d.HostSilent("h:1", d.AnswerFault(d.FaultKind.TIMEOUT), 3, others=d.OthersView.STILL_HEARD),
    d.ClusterSilent((d.HostFault("h:1", d.AnswerFault(d.FaultKind.FAILED, 500)),)),
    d.ReadOnly(),
    d.UselessAnswer("h:1", d.AnswerFault(d.FaultKind.BAD_ANSWER), disks_only=True),
    d.TokenRejected(("h:1",), 3),
    d.SlowHost("h:1", 2.5),
    d.HostsDisagree((d.Contradiction(d.ContradictionKind.SAME_PEER, ("h:1", "h:2"), (2,)),)),
    d.StaleHost("h:1", 3),
    d.LeaderUnseen(4, ("h:4",)),
    d.OwnNetworkLost(("prod", "test"), "rack 1"),
    d.PollsFail(d.PollFailure(d.PollFailureKind.ERROR, "The database is locked.")),
    d.LeaderMissing(2, 3, ("h:3",), 1, 5),
    d.LeaderChanged((MOVE,), ("h:1",)),
    d.LeaderFlapping((MOVE, MOVE), truncated=True),
    d.MembershipChanged((d.MemberMove(4, "learner", "voter", "h:4", "h:5", 60.0),)),
    d.PeerDown(d.PeerName(3, learner=True, address="h:3"), d.PeerFault.PROBED, ("h:3",)),
    d.QuorumAtRisk(3, 2, 2, (d.SickVoter(3, VoterFault(VoterFaultKind.BEHIND), ("h:3",)),)),
    d.PeerLagging(d.PeerName(3), 4, grows=True, snapshot=True),
    d.ApplyStalled("h:1", 1, 2**63, leads=True),
    d.ApplyUnknown("h:1"),
    d.LearnerReady(4, "h:4", "h:5"),
    d.DisksBroken(
        2,
        1,
        (DISK, REPAIRING),
        (9,),
        repair_on=True,
        waiting_since=90.0,
        affected=d.AffectedVolumes(14, 1),
        progress=(d.DiskProgress(9, WorkProgress(48, 120, 3.2, 600.0)),),
    ),
    d.DisksExpired(3, (d.ZoneLoss("z0", 3, 3),), ("z0",), 1, (5,), (6,), 1, d.AffectedVolumes(0, None, UNJUDGED)),
    d.DisksExpired(4, (d.ZoneLoss("z0", 4, 9),), (), 0, (), (), 4, d.AffectedVolumes(64, 3, RiskCaveats(), 10)),
    d.DisksStuck(d.DiskWork.DROP, (d.StuckDisk(DISK, 1.0, 2.0, 40, listed=False),), 2, d.AffectedVolumes(3, 2)),
    d.DisksDropping(
        2,
        (
            d.DroppingDisk(d.DiskName(7, 1, "http://h:1", "/data/7", "z0"), WorkProgress(48, 120, 3.2, 600.0)),
            d.DroppingDisk(d.DiskName(8, 1, "http://h:1", "/data/8", "z0", 12)),
            d.DroppingDisk(d.DiskName(9, 0), None, d.DropEnd(d.DropResult.HELD, 2, 1_790_000_000.0)),
            d.DroppingDisk(d.DiskName(10, 0), None, d.DropEnd(d.DropResult.UNLISTED)),
        ),
        5,
        d.AffectedVolumes(14, 1),
    ),
    d.WritableLow(4, days=2),
    d.ChunksLow("z0", 0, none=True),
    d.NoVolume(12),
    d.VolumesLow(1, 9),
    d.DisksNotEmpty(3, (d.UnitsLeft(7, 2, (12,), 2), d.UnitsLeft(9, 1)), d.AffectedVolumes(3, None)),
    d.VolumesAtRisk(3, 2, (d.VolumeLoss(12, "EC3P3", 11, (1, 5, 7), (), 0),), 0, CAVEATS),
    d.VolumesLost(1, (d.VolumeLoss(12, "EC3P3", 11, (1, 5, 7, 7), (), -1),)),
    d.VolumesUnreachable(2, (d.VolumeLoss(14, "", 77, (1,), (2, 3), None),)),
    d.SchedulersSilent(
        ("disk_repair",), registered=True, silent=(d.SilentScheduler("s:1", SchedulerFault.TIMEOUT),), asked=1
    ),
    d.TaskFailing("shard_repair", 12, ("disk broken",)),
    d.TaskOff("balance", SWITCH, 86400.0, unset=True),
    d.TaskOffWithWork("disk_repair", SWITCH, 2),
    d.SwitchMeaningless("balance", SWITCH, off=True),
    d.SwitchesChanged((d.SwitchMove("balance", d.SwitchValue("true", "on"), d.SwitchValue(None, "unset"), 60.0),)),
)
OUTCOME_SAMPLES: tuple[Outcome, ...] = (
    LegacyOutcome("It is over."),
    o.Ended(partly=True),
    o.NotWatched(cluster_left=True),
    o.HostOutcome("h:1", o.HostState.SILENT, d.AnswerFault(d.FaultKind.FAILED, 500), 3),
    o.AnswersAgain(2, 3),
    o.LeaderNow(1, 5, 60.0),
    o.MembersNow(3, 1),
    o.PeerOutcome("3", o.PeerState.VOTER),
    o.DisksDone((7,), repaired=True, held=((7, 2),), uncounted=(8,)),
    o.DropsDone(
        (
            d.DroppedDisk(7, d.DropEnd(d.DropResult.EMPTY, 0, 1_790_000_000.0)),
            d.DroppedDisk(8, d.DropEnd(d.DropResult.NOT_DROPPED)),
            d.DroppedDisk(9, d.DropEnd(d.DropResult.UNCOUNTED)),
        )
    ),
    o.WorkMoves(2),
    o.VolumesNow(3, 2),
    o.DisksEmpty((7,)),
    o.DisksEmpty((), (7,), (8, 9)),
    o.SpaceNow(10, 100),
    o.TaskOutcome("balance", o.TaskState.ON),
    o.ExternalOver(reported=False),
)
