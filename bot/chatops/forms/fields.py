"""Forms from specs: the changes that a form offers, and the fields that each one's Args make. Pure.

Arguments, their checks and their words are the commands' own: a form only asks for them in another way.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from annotated_types import MaxLen
from pydantic.fields import FieldInfo

from bot.chatops.commands.members import ADD, REMOVE, REPLACE, TRANSFER
from bot.chatops.commands.tasks import DISABLE, ENABLE
from bot.chatops.commands.unicode_input import plain_word
from bot.chatops.commands.usage import choices, full_name
from bot.interactions.command import FREE, Command, Offer, offered
from bot.views.forms import FIELD, FormField
from bot.views.inputs import Choice

_YES_NO = frozenset({"yes", "no"})
_FORCE, _REASON, _DIALECT = "force", "reason", "dialect"
_MOST = 3000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change: the command that is given, and the policy that decides on it."""

    command: Command
    policy: str
    steps: tuple[str, ...] = ()
    """The policies of the steps that it may lead to, besides its own."""

    @property
    def policies(self) -> tuple[str, ...]:
        """Every policy that may apply to it."""
        return (self.policy, *self.steps)

    @property
    def key(self) -> str:
        """The command's words: `task disable`."""
        return " ".join(self.command.path)

    @property
    def choice(self) -> Choice:
        """The kind as an option."""
        return Choice(self.key, self.key.capitalize(), self.command.summary)


KINDS: tuple[Kind, ...] = (
    Kind(DISABLE, "task_disable"),
    Kind(ENABLE, "task_enable"),
    Kind(TRANSFER, "leader_transfer"),
    Kind(ADD, "member_add"),
    Kind(REMOVE, "member_remove"),
    Kind(REPLACE, "member_replace", ("member_remove", "member_add")),
)


def kind_of(key: str) -> Kind | None:
    """The kind of change with these words."""
    return next((kind for kind in KINDS if kind.key == key), None)


def kinds_like(words: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds that begin with these words: `member` fits three."""
    lowered = tuple(word.lower() for word in words)
    return tuple(kind for kind in KINDS if kind.command.path[: len(lowered)] == lowered)


@dataclass(frozen=True, slots=True)
class FormContext:
    """What is known when the form is drawn: the values that the cluster offers, and what its reader may and must do.

    An offer that is not there could not be read: the argument is typed then. `dialect_told` is False where nobody knows
    how the cluster spells its switches.
    """

    cluster: str = ""
    offers: Mapping[Offer, tuple[Choice, ...]] = field(default_factory=lambda: MappingProxyType({}))
    may_force: bool = False
    needs_reason: bool = False
    dialect_told: bool = True


def wants(kind: Kind) -> frozenset[Offer]:
    """What must be read from the cluster to offer it."""
    return frozenset(offer for each in kind.command.args.typed().values() if (offer := offered(each)))


def entries(kind: Kind, known: FormContext) -> tuple[FormField, ...]:
    """The fields in the order in which the command takes its arguments, what every change takes last."""
    typed = kind.command.args.typed()
    words = kind.command.args.words
    last = tuple(name for name in (_REASON, "dry_run", _FORCE) if name in typed)
    names = (*words, *(name for name in typed if name not in {*words, *last}), *last)
    return tuple(_entries(typed, names, known))


def _entries(typed: Mapping[str, FieldInfo], names: Sequence[str], known: FormContext) -> Iterator[FormField]:
    for name in names:
        if (name == _FORCE and not known.may_force) or (name == _DIALECT and known.dialect_told):
            continue
        yield _entry(name, typed[name], known)


def _entry(name: str, info: FieldInfo, known: FormContext) -> FormField:
    offer, words = offered(info), choices(info)
    flag = frozenset(words) == _YES_NO
    own = tuple(Choice(word, word) for word in words) if not flag else ()
    default = info.get_default() if not info.is_required() else None
    return FormField(
        name=name,
        label=name.replace("_", " ").capitalize(),
        hint=_sentence(info.description or ""),
        required=info.is_required() or (name == _REASON and known.needs_reason),
        choices=known.offers.get(offer, ()) if offer else own,
        flag=flag,
        most=next((part.max_length for part in info.metadata if isinstance(part, MaxLen)), _MOST),
        value=str(default) if default and not flag else "",
        of=known.cluster if offer else "",
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def values_of(kind: Kind, filled: Mapping[str, str]) -> Mapping[str, str]:
    """The arguments out of what a form holds (by action id); what was left empty is left out, as when typing."""
    names = kind.command.args.typed()
    typed = {name: filled.get(f"{FIELD}{name}", "").strip() for name in names}
    held = {name: value if name in FREE else plain_word(value) for name, value in typed.items()}
    return {name: value for name, value in held.items() if value}


def as_typed(kind: Kind, cluster: str, values: Mapping[str, str]) -> str:
    """The command as it could have been typed, for the audit log and for those who want to type it next time."""
    words = [_quoted(values[name]) for name in kind.command.args.words if name in values]
    pairs = [
        f"{name.replace('_', '-')}={_quoted(value)}"
        for name, value in values.items()
        if name not in kind.command.args.words
    ]
    return " ".join((full_name(kind.command).partition(" ")[2], *words, cluster, *pairs))


def _quoted(value: str) -> str:
    plain = value.replace('"', "'")
    return f'"{plain}"' if not plain or any(char.isspace() for char in plain) else plain
