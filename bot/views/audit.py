"""The audit log as a table. No I/O."""

import json
from collections.abc import Mapping
from enum import Enum

from bot.alerting.silences import MAINTENANCE
from bot.alerting.windows import WINDOW
from bot.audit.chain import AuditRow, stamp
from bot.audit.query import AuditQuery, Found
from bot.common.errors import Refused
from bot.common.json_object import JsonValue
from bot.interactions.message import Message
from bot.operations.codec import decode_request
from bot.views.blocks import NumberCell, PeopleCell, code, context, count, data_table, date, escape, message, section
from bot.views.op_parts import request_phrase

_HEADER = ("When (UTC)", "Who", "What", "Cluster", "Details", "Operation", "Row")
_PROGRAM = "cmbot"
_MAX_DETAILS = 160
_INVITE = " If cmbot is not in it, type /invite @cmbot and ask again; `cmbot audit export` writes all rows as well."
_PROOF = (
    "`cmbot audit verify` proves that no row was changed. "
    "Keep the number and the hash to prove later that no row is missing."
)


class Upload(Enum):
    """The state of the file with all rows, as a sentence for the reader."""

    NONE = ""
    UNDER_WAY = "A CSV file with all rows follows."
    DONE = "The CSV file in this channel has all rows."
    FAILED = "The CSV file could not be uploaded to this channel."


def audit(found: Found, asked: AuditQuery, upload: Upload, *, why: str = "") -> Message:
    """Render the newest rows; `why` is the reason if the upload of the file failed."""
    sentence = _sentence(found, asked)
    if not found.rows:
        return message(sentence, section(sentence))
    rest = _INVITE if upload is Upload.FAILED else ""
    details = [f"{upload.value}{f' {escape(why)}' if why else ''}{rest}"] if upload.value else []
    head = f"The log ends with row {code(found.head.short)}. {_PROOF}"
    rows = data_table(
        [_cells(row) for row in found.rows], header=_HEADER, caption="Audit log, the newest first", names=6
    )
    part = [_withheld(asked)] if asked.hidden or asked.among is not None else []
    return message(sentence, section(f"*{sentence}*"), rows, context(*part, *details, head))


def _sentence(found: Found, asked: AuditQuery) -> str:
    given = (
        (asked.since, f"since {date(asked.since, 'minute')}"),
        (asked.actor, f"by <@{escape(asked.actor)}>"),
        (asked.cluster, f"about {escape(asked.cluster)}"),
    )
    which = "".join(f" {words}" for value, words in given if value)
    if not found.rows:
        return f"The audit log has no row{which}."
    shown = len(found.rows)
    newest = "this is the newest" if shown == 1 else f"these are the newest {shown}"
    few = f"; {newest}" if shown < found.total else ""
    return f"The audit log has {count(found.total, 'row')}{which}{few}."


def _withheld(asked: AuditQuery) -> str:
    if asked.among is not None:
        return f"You see only the rows about {escape(', '.join(asked.among))}, where you are an operator."
    return f"Rows about {escape(', '.join(asked.hidden))} are left out, because you are not an operator there."


def _cells(row: AuditRow) -> tuple[str, ...]:
    what = row.action.replace(".", " ").replace("_", " ")
    operation = NumberCell(f"#{row.op_id}", row.op_id) if row.op_id else ""
    return (
        _when(row),
        PeopleCell(row.actor) if row.actor else _PROGRAM,
        what,
        row.cluster,
        _details(row.details),
        operation,
        NumberCell(str(row.seq), row.seq),
    )


def _when(row: AuditRow) -> str:
    try:
        return stamp(row.at)[:19].replace("T", " ")
    except (ValueError, TypeError, OverflowError):
        return "no time"


def _details(details: Mapping[str, JsonValue]) -> str:
    """Return the request, the outcome and the reason, cut short; the file has the whole."""
    reason = f"reason: {details['reason']}" if details.get("reason") else ""
    agent = "by an agent" if _of_agent(details) else ""
    words = (_wanted(details), agent, _attended(details), details.get("words"), details.get("text"), reason)
    text = "; ".join(str(word) for word in words if word)
    return text if len(text) <= _MAX_DETAILS else f"{text[: _MAX_DETAILS - 1]}…"


def _attended(details: Mapping[str, JsonValue]) -> str:
    """Return the acknowledged alert, or what a silence mutes, "" for any other row."""
    rule, alert, silence = details.get("rule"), details.get("alert"), details.get("silence")
    if details.get("note"):
        return f"on alert #{alert} ({rule})" if alert else ""
    if not rule or not (alert or silence):
        return ""
    if silence:
        what = "every rule" if rule == "*" else rule
        if rule == MAINTENANCE:
            what = f"{MAINTENANCE} of {details.get('subject')}"
        if rule == WINDOW:
            what = f"maintenance window {details.get('subject')}"
        return f"silence #{silence} ({what}{f', alert #{alert}' if alert else ''})"
    sentence = details.get("sentence")
    return f"alert #{alert} ({rule})" + (f": {sentence}" if sentence else "")


def _of_agent(details: Mapping[str, JsonValue]) -> bool:
    request = details.get("request")
    return bool(details.get("agent") or (isinstance(request, Mapping) and request.get("agent")))


def _wanted(details: Mapping[str, JsonValue]) -> str:
    """Return the request of an operation as a phrase, "" for any other row; one of a later release is JSON."""
    kind, request = details.get("kind"), details.get("request")
    if not kind or not isinstance(request, Mapping):
        return ""
    try:
        return request_phrase(decode_request(str(kind), request))
    except Refused:
        return f"{kind}: {json.dumps(request)}"
