"""Words about the risk of volumes that several views share. No I/O."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from bot.alerting.risk_facts import RiskNote
from bot.alerting.volume_risk import RiskLevel
from bot.common.text import count, listed
from bot.views.alert_text.caveats import caveat_lines

_PHRASES: Mapping[RiskLevel, tuple[str, str]] = MappingProxyType(
    {
        RiskLevel.LOST: ("has lost data", "have lost data"),
        RiskLevel.NONE_LEFT: ("can lose no more units", "can lose no more units"),
        RiskLevel.UNKNOWN: ("has lost units and an unknown code mode", "have lost units and an unknown code mode"),
        RiskLevel.UNREADABLE: ("cannot be read now", "cannot be read now"),
        RiskLevel.ONE_LEFT: ("can lose 1 more unit", "can lose 1 more unit"),
        RiskLevel.REDUCED: ("can still lose 2 or more units", "can still lose 2 or more units"),
        RiskLevel.NONE: ("has unreachable units only", "have unreachable units only"),
    }
)


def levels_text(levels: Mapping[RiskLevel, int]) -> str:
    """Count the volumes at each standing, the worst first, as one phrase; "" if there are none."""
    return listed([*_levels(levels)], most=len(_PHRASES))


def _levels(levels: Mapping[RiskLevel, int]) -> Iterator[str]:
    for level, (one, more) in _PHRASES.items():
        if number := levels.get(level, 0):
            noun = count(number, "volume") if level is _worst(levels) else f"{number:,}"
            yield f"{noun} {one if number == 1 else more}"


def _worst(levels: Mapping[RiskLevel, int]) -> RiskLevel:
    return next(level for level in _PHRASES if levels.get(level))


def risk_text(risk: RiskNote, *, besides: Collection[RiskLevel] = ()) -> str:
    """The volumes at each standing and what is not known, as one raw phrase without a full stop.

    `besides` are standings that the reader knows; with them the phrase may be "".
    """
    levels = {
        RiskLevel.LOST: risk.lost,
        RiskLevel.NONE_LEFT: risk.none_left,
        RiskLevel.UNKNOWN: risk.unknown,
        RiskLevel.UNREADABLE: risk.unreadable,
        RiskLevel.ONE_LEFT: risk.one_left,
        RiskLevel.REDUCED: risk.reduced,
        RiskLevel.NONE: risk.unreachable,
    }
    nothing = "no volume is known to have lost units" if risk.caveats.judged and not besides else ""
    known = levels_text({level: number for level, number in levels.items() if level not in besides}) or nothing
    return "; ".join(([known] if known else []) + [*caveat_lines(risk.caveats)])


def risk_mark(risk: RiskNote) -> str:
    """The symbol of the worst standing."""
    if risk.lost or risk.none_left or risk.unknown or risk.unreadable:
        return "🔴"
    return "🟡" if risk.volumes else "⚪"
