"""Words for what makes a statement about volumes less sure. No I/O."""

from collections.abc import Iterator

from bot.alerting.details import AffectedVolumes
from bot.alerting.risk_facts import NotRebuilt, RiskCaveats, SafetyCounts
from bot.common.text import count, listed
from bot.views.text import utc


def affected_lines(affected: AffectedVolumes | None) -> tuple[str, ...]:
    """Say how many volumes the disks affect, how many more units the worst can lose, and what is not known of that."""
    if affected is None:
        return ()
    return (*((affected_text(affected),) if affected.volumes else ()), *caveat_lines(affected.caveats))


def affected_text(affected: AffectedVolumes) -> str:
    """Say how many volumes have units on the disks, and how many more the worst can lose."""
    these = f"affects {count(affected.volumes, 'volume')}"
    if affected.unreadable:
        which = "it" if affected.volumes == 1 else f"{affected.unreadable:,} of them"
        these = f"{these}; {which} cannot be read now"
    if affected.left is None:
        return f"{these}; how many more units they can lose is not known"
    if affected.left < 0:
        return f"{these}; data of the worst is lost"
    worst = "it" if affected.volumes == 1 else "the worst"
    worst = f"by lost units alone, {worst}" if affected.unreadable else worst
    return f"{these}; {worst} can lose {count(affected.left, 'more unit') if affected.left else 'no more'}"


def caveat_lines(caveats: RiskCaveats) -> tuple[str, ...]:
    """What is not judged, by how much margins may be smaller, and where the cluster counts otherwise."""
    return tuple(_lines(caveats))


def _lines(caveats: RiskCaveats) -> Iterator[str]:
    if not caveats.judged:
        yield "not judged: the volumes on bad disks cannot be read now"
    if pending := pending_text(caveats.pending_disks, caveats.pending_volumes):
        yield f"not judged yet: {pending}"
    if caveats.stale_since:
        yield stale_text(caveats)
    if not caveats.listed:
        yield f"not judged yet: disks that are repaired or dropped; {_not_listed(caveats.missing)}"
    if caveats.held:
        yield held_text(caveats.held)
    if not caveats.heartbeats:
        yield "not judged yet: heartbeats of disks; the leader was elected a few minutes ago"
    if caveats.unnamed:
        yield unnamed_text(caveats.unnamed)
    if caveats.unwritten and caveats.not_rebuilt:
        yield margin_note(caveats.unwritten, caveats.not_rebuilt)
    if caveats.counts and caveats.dashboard:
        yield difference_text(caveats.counts, caveats.dashboard)


def pending_text(disks: int | None, volumes: int | None) -> str:
    """Name what was not read yet, "" if nothing; None stands for a number that is not known."""
    named = ((disks, "disk"), (volumes, "volume"))
    return " and ".join(
        f"some {noun}s" if number is None else count(number, noun) for number, noun in named if number != 0
    )


def stale_text(caveats: RiskCaveats) -> str:
    """Say what was read too long ago, and when."""
    what = pending_text(caveats.stale_disks, caveats.stale_volumes)
    one = {caveats.stale_disks, caveats.stale_volumes} == {0, 1}
    when = f"{utc(caveats.stale_since)[:16]} UTC"
    return f"not current: {what} could not be read again since {when}; {'it' if one else 'they'} may have changed"


def held_text(disks: int) -> str:
    """Say that so many disks held units, and are not listed as repaired or dropped any more."""
    held, they = ("holds", "it is") if disks == 1 else ("hold", "they are")
    return (
        f"{count(disks, 'disk')} {held} units by the last count, but {they} not listed as repaired or dropped any more"
    )


def _not_listed(missing: int) -> str:
    """Say why it is not known which disks are repaired or dropped."""
    if not missing:
        return "the whole disk list was not read lately"
    return f"the disk list lacks {count(missing, 'disk')} that it had before"


def unnamed_text(disks: int) -> str:
    """Say that units on so many disks without a heartbeat are found by the health of their volumes alone."""
    has = "has" if disks == 1 else "have"
    return f"{count(disks, 'disk')} {has} lost the heartbeat and cannot be named: only the health of volumes shows it"


def margin_note(units: int, why: NotRebuilt) -> str:
    """Say by how much each margin may be smaller while missing shards are not rebuilt."""
    return f"{not_rebuilt_text(why)}: new blobs may already lack up to {count(units, 'unit')}, so {_SMALLER}"


_SMALLER = "each margin may be smaller by that"


def not_rebuilt_text(why: NotRebuilt) -> str:
    """Say why missing shards may not be rebuilt, without a full stop."""
    return {
        NotRebuilt.OFF: "`shard_repair` is off",
        NotRebuilt.UNKNOWN: "it is not known if `shard_repair` is on",
        NotRebuilt.NOT_REGISTERED: "`shard_repair` is on, but no scheduler is registered",
        NotRebuilt.SILENT: "`shard_repair` is on, but no scheduler answers",
        NotRebuilt.FAILING: "`shard_repair` fails",
        NotRebuilt.UNSEEN: "`shard_repair` is on, but it is not known if it is done",
    }[why]


def difference_text(own: SafetyCounts, dashboard: SafetyCounts) -> str:
    """Say what the cluster's own dashboard counts, and what cmbot counts."""
    return f"the cluster's own dashboard differs: it counts {_counts(dashboard)}; cmbot counts {_counts(own)}"


def _counts(counts: SafetyCounts) -> str:
    named = ((counts.lost, "with lost data"), (counts.near, "at risk"), (counts.reduced, "degraded"))
    return listed([f"{number:,} {state}" for number, state in named])
