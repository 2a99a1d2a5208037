"""What a card and a reply show of a preflight besides its findings: the consequence, and what is folded. No I/O."""

from collections.abc import Iterator

from bot.interactions.message import BlockJson
from bot.operations.model import Operation
from bot.operations.preflight.verdict import CheckLevel, PreflightResult
from bot.views.blocks import clip, count, escape, section
from bot.views.containers import folded
from bot.views.op_dialog import consequence
from bot.views.op_parts import MAX_WORDS, as_consequence, folded_facts
from bot.views.preflight_text.table import check_text

_IN_SECTION = 4
_MAX_SECTIONS = 9


def consequence_block(op: Operation, verdict: PreflightResult) -> list[BlockJson]:
    """Paragraph about what the change does; with its next step if it is a warning, empty if it is not known."""
    warning = as_consequence(op.request, verdict)
    if warning is None:
        effect = consequence(op, verdict)
        return [section(f"*Consequence*\n{escape(effect)}")] if effect else []
    text = check_text(warning)
    then = f" _{escape(text.next_step)}_" if text.next_step else ""
    return [section(f"⚠️ *Consequence*\n{escape(text.ended if then else text.sentence)}{then}")]


def fold(op: Operation, verdict: PreflightResult | None) -> list[BlockJson]:
    """Container with what few need: the facts of the last check, and the checks of `verdict` that passed."""
    inside = [*folded_facts(op), *(_passed(verdict) if verdict is not None else ())]
    if not inside:
        return []
    number = len(verdict.of_level(CheckLevel.PASS)) if verdict is not None else 0
    title = f"✓ {count(number, 'check')} passed" if number else "What was seen at the last check"
    return [folded(title, inside, op_id=op.id)]


def _passed(verdict: PreflightResult) -> Iterator[BlockJson]:
    """Paragraphs of the checks that passed, one a line."""
    lines = [f"✓ {escape(clip(check_text(check).ended, MAX_WORDS))}" for check in verdict.of_level(CheckLevel.PASS)]
    for start in range(0, min(len(lines), _IN_SECTION * _MAX_SECTIONS), _IN_SECTION):
        yield section("\n".join(lines[start : start + _IN_SECTION]))
