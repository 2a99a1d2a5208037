"""Words on how a cluster changed since a card was shown. No I/O."""

from bot.operations.preflight.facts.disks import DiskSituation, VolumeMargins
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.step_facts import Difference
from bot.views.preflight_text.disks import open_operations, state_text
from bot.views.preflight_text.table import check_text

_MAX_DISKS = 5


def changes(found: Difference) -> tuple[str, ...]:
    """Phrases on how the cluster differs from what the card shows; never empty."""
    if found.before is None:
        return ("an older release made the card",)
    checks = (check_text(check).sentence.rstrip(".") for check in found.checks)
    moved = difference(found.before, found.after)
    return (*moved, *_others(found)) if moved else tuple(checks) or ("checks differ",)


def _others(found: Difference) -> tuple[str, ...]:
    """Name the operations whose disks count as broken by now."""
    margins = (check.fact for check in found.checks if isinstance(check.fact, VolumeMargins))
    numbers = sorted({number for margin in margins for number in margin.operations})
    return (f"what counts as broken because of {open_operations(numbers)}",) if numbers else ()


def difference(old: Fingerprint, new: Fingerprint) -> tuple[str, ...]:
    """Phrases on how the cluster changed from `old` to `new`; empty when it did not."""
    phrases = (
        _moved("leader", _peer(old.leader), _peer(new.leader)),
        _moved("term", str(old.term), str(new.term)),
        _moved("voters", _ids(old.voters), _ids(new.voters)),
        _moved("learners", _ids(old.learners), _ids(new.learners)),
        *_health(old, new),
        _moved("pending transfer to", _peer(old.transferee), _peer(new.transferee)),
        _moved(f"{new.task or old.task} is", _value(old), _value(new)),
        _moved("dialect", old.dialect or "not known", new.dialect or "not known"),
        _moved("broken or repairing disks", _count(old.bad_disks), _count(new.bad_disks)),
        *_disks(old, new),
    )
    return tuple(phrase for phrase in phrases if phrase)


def _moved(what: str, was: str, now: str) -> str:
    return "" if was == now else f"{what}: {was} → {now}"


def _health(old: Fingerprint, new: Fingerprint) -> tuple[str, ...]:
    stayed = set(old.voters) & set(new.voters)
    worse = sorted((set(old.healthy) - set(new.healthy)) & stayed)
    better = sorted((set(new.healthy) - set(old.healthy)) & stayed)
    return (
        *(f"peer {peer} is no longer proven healthy" for peer in worse),
        *(f"peer {peer} is healthy now" for peer in better),
    )


def _disks(old: Fingerprint, new: Fingerprint) -> tuple[str, ...]:
    if not old.disk_ids and not new.disk_ids:
        return ()
    before, after = _states(old), _states(new)
    changed = sorted(disk for disk in before.keys() | after.keys() if before.get(disk) != after.get(disk))
    phrases = [
        f"disk #{disk}: {before.get(disk, 'not listed')} → {after.get(disk, 'not listed')}"
        for disk in changed[:_MAX_DISKS]
    ]
    more = [f"{len(changed) - _MAX_DISKS:,} more disks changed"] if len(changed) > _MAX_DISKS else []
    least = _moved("units that the worst volume can lose", _count(old.least_left), _count(new.least_left))
    return (*phrases, *more, least)


def _states(of: Fingerprint) -> dict[int, str]:
    return {
        disk: state_text(DiskSituation(disk, status, disk in of.readonly, disk in of.dropping))
        for disk, status in zip(of.disk_ids, of.disk_states, strict=False)
    }


def _peer(peer: int) -> str:
    return f"peer {peer}" if peer else "none"


def _ids(peers: tuple[int, ...]) -> str:
    return ", ".join(map(str, peers)) or "none"


def _value(of: Fingerprint) -> str:
    if of.value is None:
        return of.meaning or "not read"
    return f"{of.meaning} ({of.value!r:.40})"


def _count(disks: int | None) -> str:
    return "not known" if disks is None else str(disks)
