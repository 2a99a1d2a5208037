"""Words on how a cluster changed since a card was shown. No I/O."""

from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.step_facts import Difference
from bot.views.preflight_text.table import check_text


def changes(found: Difference) -> tuple[str, ...]:
    """Phrases on how the cluster differs from what the card shows; never empty."""
    if found.before is None:
        return ("an older release made the card",)
    checks = (check_text(check).sentence.rstrip(".") for check in found.checks)
    return difference(found.before, found.after) or tuple(checks) or ("checks differ",)


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
