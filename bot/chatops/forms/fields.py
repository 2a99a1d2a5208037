"""Form fields, derived from the Args of the commands. No I/O.

The commands own the arguments, their checks and their texts; a form only asks for them in another way.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType

from annotated_types import MaxLen

from bot.chatops.commands.alerts import ACK, SILENCE, UNACK, UNSILENCE
from bot.chatops.commands.disk_changes import BROKEN, NODE_OFFLINE, OFFLINE, READONLY, WRITABLE
from bot.chatops.commands.maintenance import MAINTENANCE_END, MAINTENANCE_START
from bot.chatops.commands.members import ADD, REMOVE, REPLACE, TRANSFER
from bot.chatops.commands.notes import NOTE
from bot.chatops.commands.ops import CANCEL, REJECT, SETTLE
from bot.chatops.commands.tasks import DISABLE, ENABLE
from bot.chatops.commands.unicode_input import plain_word
from bot.chatops.commands.usage import choices, full_name
from bot.chatops.forms.labels import title_of, words_of
from bot.common.frozen import frozen
from bot.common.text import shown
from bot.interactions.command import FREE, Command, Offer, Scope, offered
from bot.views.forms import FIELD, FormField
from bot.views.inputs import TICKED, Choice
from bot.views.text import MAX_ESCAPED, clip

_YES_NO = frozenset({"yes", "no"})
REASON = "reason"
"""The argument that says why, for those who read the card."""
_FORCE, _DIALECT, _NODE = "force", "dialect", "node"
_MAX_LENGTH = 3000


@frozen
class Kind:
    """One kind of change: its command and its approval policy, "" for one that needs no approval."""

    command: Command
    policy: str = ""
    steps: tuple[str, ...] = ()
    """The policies of the steps that it may lead to."""

    @property
    def policies(self) -> tuple[str, ...]:
        """All policies that may apply to the change."""
        return (self.policy, *self.steps) if self.policy else ()

    @property
    def key(self) -> str:
        """The words of the command: `task disable`."""
        return " ".join(self.command.path)

    @property
    def of_cluster(self) -> bool:
        """True if the form asks for a cluster; False if what is chosen in it has one."""
        return self.command.scope is not Scope.NO_CLUSTER

    @property
    def listed(self) -> bool:
        """True if the form lets its person choose another kind of change."""
        return self in KINDS

    @property
    def choice(self) -> Choice:
        """The kind as an option: its title, and below it what the summary says besides."""
        title, summary = title_of(self.key), self.command.summary
        rest = summary.removeprefix(title).lstrip(" ,:.")
        return Choice(self.key, title, f"{rest[:1].upper()}{rest[1:]}")


KINDS: tuple[Kind, ...] = (
    Kind(DISABLE, "task_disable"),
    Kind(ENABLE, "task_enable"),
    Kind(TRANSFER, "leader_transfer"),
    Kind(ADD, "member_add"),
    Kind(REMOVE, "member_remove"),
    Kind(REPLACE, "member_replace", ("member_remove", "member_add")),
    Kind(READONLY, "disk_readonly"),
    Kind(WRITABLE, "disk_writable"),
    Kind(BROKEN, "disk_broken"),
    Kind(OFFLINE, "disk_offline"),
    Kind(NODE_OFFLINE, "node_offline"),
    Kind(MAINTENANCE_START),
    Kind(MAINTENANCE_END),
)
"""The changes of a cluster, among which a form lets its person choose."""
ANSWERS: tuple[Kind, ...] = (
    Kind(ACK),
    Kind(UNACK),
    Kind(NOTE),
    Kind(SILENCE),
    Kind(UNSILENCE),
    Kind(CANCEL),
    Kind(REJECT),
    Kind(SETTLE),
)
"""What people do with alerts, silences and operations: each has its own form."""
FORMS = (*KINDS, *ANSWERS)


def kind_of(key: str) -> Kind | None:
    """Return the kind of form with these words, None if there is none."""
    return next((kind for kind in FORMS if kind.key == key), None)


def kinds_like(words: Sequence[str]) -> tuple[Kind, ...]:
    """Return the kinds that start with these words: `member` matches three."""
    lowered = tuple(word.lower() for word in words)
    return tuple(kind for kind in FORMS if kind.command.path[: len(lowered)] == lowered)


@frozen
class FormContext:
    """Facts for drawing a form: the values that the cluster offers, and what its reader may and must do.

    A missing offer could not be read, so the person types the argument. `dialect_known` is False if it is unknown how
    the cluster spells its switches, `needs_service` True if it refuses a member without a service address.
    """

    cluster: str = ""
    offers: Mapping[Offer, tuple[Choice, ...]] = field(default_factory=lambda: MappingProxyType({}))
    may_force: bool = False
    needs_reason: bool = False
    dialect_known: bool = True
    needs_service: bool = False


def wants_service(kind: Kind) -> bool:
    """True if the form asks for the service address of a new member."""
    return "member" in kind.command.path and _NODE in kind.command.args.typed()


def wants(kind: Kind) -> frozenset[Offer]:
    """Return what must be read to offer the choices."""
    return frozenset(offer for each in kind.command.args.typed().values() if (offer := offered(each)))


def entries(kind: Kind, known: FormContext) -> tuple[FormField, ...]:
    """Return the fields in the order of the command's arguments; those of every change come last."""
    typed = kind.command.args.typed()
    words = kind.command.args.words
    last = tuple(name for name in (REASON, "dry_run", _FORCE) if name in typed)
    names = (*words, *(name for name in typed if name not in {*words, *last}), *last)
    shown = _entries(kind, names, known)
    # What is chosen or typed is checked at once; a change without a card has no checks, and no check reads the reason.
    return tuple(replace(each, live=bool(kind.policies) and not each.flag and each.name != REASON) for each in shown)


def _entries(kind: Kind, names: Sequence[str], known: FormContext) -> Iterator[FormField]:
    for name in names:
        if (name == _FORCE and not known.may_force) or (name == _DIALECT and known.dialect_known):
            continue
        yield _entry(kind, name, known)


def _entry(kind: Kind, name: str, known: FormContext) -> FormField:
    info = kind.command.args.typed()[name]
    offer, words, named = offered(info), choices(info), words_of(kind.key, name)
    describes = named.hint or info.description or ""
    flag = _is_flag(words)
    needed = (name == REASON and known.needs_reason) or (name == _NODE and known.needs_service)
    own = tuple(Choice(word, named.options.get(word, word)) for word in words) if not flag else ()
    default = info.get_default() if not info.is_required() else None
    return FormField(
        name=name,
        label=named.label,
        hint=describes[:1].upper() + describes[1:],
        required=info.is_required() or needed,
        choices=known.offers.get(offer, ()) if offer else own,
        flag=flag,
        most=_most(kind, name),
        value=str(default) if default and not flag else "",
        of=known.cluster if offer else "",
    )


def _most(kind: Kind, name: str) -> int:
    """Return how many characters of an argument are taken; a note is counted as typed, before it is escaped."""
    args = kind.command.args
    metadata = args.typed()[name].metadata
    most = next((part.max_length for part in metadata if isinstance(part, MaxLen)), _MAX_LENGTH)
    return most // MAX_ESCAPED if name == args.tail else most


def _is_flag(words: Sequence[str]) -> bool:
    """True for an argument that is yes or no, and for one that is a single word or left out."""
    return frozenset(words) == _YES_NO or len(words) == 1


def filled(asked: Sequence[FormField], given: Mapping[str, str]) -> Iterator[FormField]:
    """Yield the fields with the given values; a value that is none of a field's choices is left out."""
    for each in asked:
        value = given.get(each.name, "")
        yield replace(each, value=value) if value and _fits(each, value) else each


def lost_values(asked: Sequence[FormField], given: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each given value that is none of its field's choices."""
    for each in asked:
        value = given.get(each.name, "")
        if value and not _fits(each, value):
            yield f"{each.label} cannot be {shown(value)}: choose another."


def _fits(asked: FormField, value: str) -> bool:
    if asked.flag:
        return value in _YES_NO
    return not asked.choices or any(choice.value == value for choice in asked.choices)


def values_of(kind: Kind, filled: Mapping[str, str]) -> Mapping[str, str]:
    """Return the arguments that a form holds (by action id), without the empty ones."""
    names = kind.command.args.typed()
    typed = {name: filled.get(f"{FIELD}{name}", "").strip() for name in names}
    held = {name: _value(kind, name, value) for name, value in typed.items()}
    return {name: value for name, value in held.items() if value}


def _value(kind: Kind, name: str, value: str) -> str:
    """Return an argument as its command takes it: a ticked box as its word, a note as Slack escapes typed text."""
    args = kind.command.args
    words = choices(args.typed()[name])
    if name == args.tail:
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if value == TICKED and len(words) == 1:
        return words[0]
    return value if name in FREE else plain_word(value)


def cut_to_fields(kind: Kind, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the given arguments that the form has fields for, each cut to what its field takes."""
    typed = kind.command.args.typed()
    return {name: clip(value, _most(kind, name)) for name, value in given.items() if name in typed}


def given_values(kind: Kind, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return arguments as the fields of the form hold them, the reverse of `values_of`."""
    return {name: _held(kind, name, value) for name, value in given.items()}


def _held(kind: Kind, name: str, value: str) -> str:
    args = kind.command.args
    info = args.typed().get(name)
    if info is None:
        return value
    if name == args.tail:
        return value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return TICKED if choices(info) == (value.lower(),) else value


def as_typed(kind: Kind, cluster: str, values: Mapping[str, str]) -> str:
    """Return the command as a person would type it, for the audit log and for people who type it next time."""
    args = kind.command.args
    words = [values[name] if args.tail else _quoted(values[name]) for name in args.words if name in values]
    pairs = [
        f"{name.replace('_', '-')}={_quoted(value)}"
        for name, value in values.items()
        if name not in kind.command.args.words
    ]
    return " ".join(filter(None, (full_name(kind.command).partition(" ")[2], *words, cluster, *pairs)))


def _quoted(value: str) -> str:
    plain = value.replace('"', "'")
    return f'"{plain}"' if not plain or any(char.isspace() for char in plain) else plain
