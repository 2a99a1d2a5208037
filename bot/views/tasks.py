"""/cm tasks: each background task, its stored switch, and what the services make of it. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from bot.alerting.cluster_state.background import BackgroundNote
from bot.alerting.model import LegacyText
from bot.alerting.task_activity import ActivityKind, TaskActivity
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import TASKS, WORDS, DetectedDialect, Dialect, SwitchEffect, Task, meaning_of
from bot.clustermgr.wire import Others
from bot.common.frozen import frozen
from bot.common.text import listed
from bot.interactions.message import Message
from bot.operations.model import Operation
from bot.views.blocks import clip, code, context, count, data_table, date, escape, message, section
from bot.views.dialect_text import evidence_text
from bot.views.operations import goes_back
from bot.views.parts import bullets, hosts_line, others_line
from bot.views.task_activity import activity_text, schedulers_text

_MARKS = {"on": "🟢 on", "off": "⚪ off", "unset": "◌ unset", "meaningless": "⚠ meaningless here"}
_HEADER = ("State", "Task", "What happens", "Stored")
_OF_BOTH_DIALECTS = ("State", "Task", "Stored", "What services make of it")
_FAULTS = frozenset({ActivityKind.FAILING, ActivityKind.SILENT, ActivityKind.NOT_REGISTERED})
_CLEAR = frozenset({SwitchEffect.RUN, SwitchEffect.DO_NOT_RUN})
"""Effects that the state of the switch says already."""
_UNREAD = "? not read"
_WARNING = "⚠"
_MAX_FAULTY = 4
"""Tasks that the headline names."""
_MAX_UNKNOWN = 10
"""Unknown switches that are named."""
_EFFECTS: Mapping[SwitchEffect, str] = MappingProxyType(
    {
        SwitchEffect.RUN: "services run it",
        SwitchEffect.DO_NOT_RUN: "services do not run it",
        SwitchEffect.KEEP_LAST: "services keep their last value, and read it as off after a restart",
        SwitchEffect.WRITE_OFF: "the service that owns it reads it as off and writes false when it starts",
        SwitchEffect.TAKE_AS_OFF: "only true means on here, so services read it as off",
    }
)
Switches = Mapping[str, str | None]


def effect_text(effect: SwitchEffect | LegacyText) -> str:
    """The effect of a stored value on the services, as a clause."""
    return effect.text if isinstance(effect, LegacyText) else _EFFECTS[effect]


def keys_for(dialect: Dialect | None) -> tuple[str, ...]:
    """Return the keys to read: those of the dialect, or of both dialects while it is unknown."""
    wanted = (dialect,) if dialect else tuple(Dialect)
    return tuple(dict.fromkeys(task.keys[one] for task in TASKS for one in wanted if one in task.keys))


def tasks(
    snapshot: Snapshot,
    verdict: DetectedDialect,
    found: Mapping[str, TaskActivity] = MappingProxyType({}),
    background: BackgroundNote | None = None,
    *,
    unknown: Sequence[tuple[str, str]] | None = (),
    others: Others = (),
    leased: Sequence[Operation] = (),
) -> Message:
    """Render the switches of one cluster, and what happens with each task by name.

    `leased` are the operations whose switch goes back later. `unknown` are stored switches that cmbot does not know
    (None: not read), `others` unknown fields of a service.
    """
    values = snapshot.switches or {}
    if not values and snapshot.leader is None:
        return _unread(snapshot)
    rows = sorted(_known(values, verdict.dialect, found) if verdict.dialect else _unknown(values), key=_place)
    cells = [_shown(row) for row in rows]
    header = _HEADER if verdict.dialect else _OF_BOTH_DIALECTS
    sentence = _sentence(snapshot.cluster, rows)
    known = f"{schedulers_text(background or BackgroundNote(), snapshot.at)} "
    foot = f"{known}Services read their switches every 15 s. {hosts_line(snapshot)}. As of {date(snapshot.at, 'time')}."
    table = data_table(cells, header=header, caption=f"Background tasks of {snapshot.cluster}", names=1)
    spelling = _dialect(snapshot.cluster, verdict)
    # A dialect that is known is small print; one that is not is why no task can be changed.
    blocks = [section(f"*{sentence}*" if verdict.dialect else f"*{sentence}*\n{spelling}"), table]
    if effects := [f"{code(row.task.name)}: {row.effect}" for row in rows if row.effect]:
        blocks.append(section(bullets(effects)))
    if not values:
        blocks.append(section("No switch could be read: the cluster may have no quorum. See `/cm stat`."))
    if unknown:
        blocks.append(section(_unknown_switches(unknown)))
    blocks += [section(goes_back(op)) for op in leased]
    notes = [spelling] if verdict.dialect else []
    notes += ["Switches that cmbot does not know could not be looked for."] if unknown is None else []
    notes += [line] if (line := others_line("Services ", others)) else []
    does = ". ".join(f"{code(row.task.name)} {row.task.does}" for row in rows)
    return message(sentence, *blocks, context(" ".join((foot, *notes))), context(f"{does}."))


def _unknown_switches(found: Sequence[tuple[str, str]]) -> str:
    """Switches of a later release, as they are stored."""
    named = [f"{code(clip(key, 60))} is stored as {code(clip(value, 60))}" for key, value in found[:_MAX_UNKNOWN]]
    more = f" and {len(found) - _MAX_UNKNOWN:,} more" if len(found) > _MAX_UNKNOWN else ""
    return f"*Not known to cmbot*: {', '.join(named)}{more}. cmbot does not change them."


def _unread(snapshot: Snapshot) -> Message:
    """Render the answer without a leader: no switch can be read."""
    name = escape(snapshot.cluster)
    sentence = (
        f"{name} has no leader that answers, so its switches cannot be read now. For more type `/cm stat {name}`."
    )
    return message(sentence, section(f"*{sentence}*"), context(f"{hosts_line(snapshot)}."))


@frozen
class _Row:
    """One task: its cells, and the effect of its switch where the state does not tell it."""

    task: Task
    cells: tuple[str, ...]
    effect: str = ""
    faulty: bool = False


def _shown(row: _Row) -> tuple[str, ...]:
    """The cells of a task; one that does not work has a warning in place of the lamp of its switch."""
    state, *rest = row.cells
    return (f"{_WARNING} {state.partition(' ')[2]}" if row.faulty else state, *rest)


def _place(row: _Row) -> int:
    """Return the place of a task: what does not work first, then what is odd, off and on."""
    order = ("meaningless", "unset", "off", "on")
    marks = [*(_MARKS[word] for word in order[:2]), _UNREAD, "? unknown", *(_MARKS[word] for word in order[2:])]
    return -1 if row.faulty else marks.index(row.cells[0])


def _sentence(cluster: str, rows: Sequence[_Row]) -> str:
    states = [row.cells[0] for row in rows]
    kinds = (*_MARKS.items(), ("not read", _UNREAD), ("unknown", "? unknown"))
    parts = [f"{states.count(shown)} {state}" for state, shown in kinds if shown in states]
    faulty = listed([row.task.name for row in rows if row.faulty], most=_MAX_FAULTY)
    broken = f" Not working: {faulty}." if faulty else ""
    return f"{escape(cluster)} has {count(len(rows), 'background task')}: {', '.join(parts)}.{broken}"


def _dialect(cluster: str, verdict: DetectedDialect) -> str:
    why = escape(evidence_text(verdict.evidence))
    if verdict.dialect is None:
        return (
            f"The dialect of the switches of {escape(cluster)} is unknown: {why} "
            f"If this lasts while `/cm stat` shows a leader, set `dialect: v1` or `dialect: v3` in the settings."
        )
    on, off = WORDS[verdict.dialect]
    return f"It uses the dialect *{verdict.dialect}* (on is {code(on)}, off is {code(off)}): {why}"


def _known(values: Switches, dialect: Dialect, found: Mapping[str, TaskActivity]) -> Iterator[_Row]:
    for task in TASKS:
        key = task.keys.get(dialect)
        if key is not None:
            yield _row(task, key, values, dialect, found.get(task.name))


def _row(task: Task, key: str, values: Switches, dialect: Dialect, activity: TaskActivity | None) -> _Row:
    name = task.name if key == task.name else f"{task.name} ({key})"
    happens = activity_text(task.name, activity) if activity else _UNREAD
    waits = activity is not None and activity.kind is ActivityKind.OFF and bool(activity.disks)
    faulty = waits or (activity is not None and activity.kind in _FAULTS)
    if key not in values:
        return _Row(task, (_UNREAD, name, happens, "?"), faulty=faulty)
    meaning = meaning_of(values[key], dialect)
    effect = "" if meaning.effect in _CLEAR else effect_text(meaning.effect)
    return _Row(task, (_MARKS[meaning.word], name, happens, _stored(values[key])), effect, faulty)


def _unknown(values: Switches) -> Iterator[_Row]:
    for task in TASKS:
        keys = tuple(dict.fromkeys(task.keys.values()))
        read = [key for key in keys if key in values]
        stored = "; ".join(f"{key}: {_stored(values[key])}" for key in read)
        means = "; ".join(f"{dialect}: {_means(task, dialect, values)}" for dialect in Dialect if dialect in task.keys)
        yield _Row(task, ("? unknown" if read else _UNREAD, task.name, stored or "?", means))


def _means(task: Task, dialect: Dialect, values: Switches) -> str:
    key = task.keys[dialect]
    return meaning_of(values[key], dialect).word if key in values else "not read"


def _stored(value: str | None) -> str:
    return "nothing" if value is None else f'"{value}"'
