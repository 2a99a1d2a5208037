"""Samples of the forms about alerts, silences and operations."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity, Silence
from bot.alerting.rules.table import RULES
from bot.chatops.forms.controller import asked_first
from bot.chatops.forms.fields import ANSWERS, FormContext, Kind, entries, wants
from bot.chatops.forms.labels import WORDINGS
from bot.interactions.command import Offer
from bot.operations.model import OpState
from bot.views import form_choices as views
from bot.views import forms
from bot.views.inputs import Choice
from tests.docgen.phrasebook.operations import WAITING
from tests.docgen.phrasebook.render import Sample, Section
from tests.support.view_samples import AT

_ME, _OTHER = "U0ANNA", "U0BEN"
_NOW = AT + 600
_CLUSTERS = (Choice("archive", "archive", "healthy"), Choice("prod", "prod", "critical"))


def _alert(number: int, rule: str, severity: Severity, sentence: str, held: str = "") -> Alert:
    state = AlertState.ACKNOWLEDGED if held else AlertState.FIRING
    return Alert("prod", rule, "", state, severity, LegacyDetail(sentence), AT - 60 * number, id=number, acked_by=held)


_DISKS = _alert(17, "disk_broken", Severity.WARNING, "2 disks of prod are broken: #3 and #5.", _OTHER)
_QUORUM = _alert(18, "quorum_at_risk", Severity.CRITICAL, "prod is one failure from losing writes: voter 3 is down.")
_MINE = replace(_QUORUM, state=AlertState.ACKNOWLEDGED, acked_by=_ME)
_SILENCES = (
    Silence("prod", "disk_broken", "", _NOW + 3600, _OTHER, id=3),
    Silence("prod", "*", "", _NOW + 14400, _OTHER, id=4, begins=_NOW + 7200),
)
_WAITS = replace(WAITING, id=12, created_at=AT)
_LOST = replace(_WAITS, id=9, state=OpState.UNKNOWN)


def _offers() -> Mapping[Offer, tuple[Choice, ...]]:
    alerts = tuple(views.alert_choice(each, _ME, _NOW) for each in (_QUORUM, _DISKS))
    waiting = (views.operation_choice(_WAITS, _NOW),)
    return {
        Offer.OPEN_ALERT: alerts,
        Offer.HELD_ALERT: (views.alert_choice(_MINE, _ME, _NOW),),
        Offer.RULE: views.rule_choices(RULES, (_QUORUM, _DISKS)),
        Offer.SILENCE: tuple(views.silence_choice(each, 1, _NOW) for each in _SILENCES),
        Offer.NOTED: (
            *(views.as_subject(each, "alert") for each in alerts),
            *(views.as_subject(each, "op") for each in waiting),
        ),
        Offer.TO_CANCEL: waiting,
        Offer.TO_REJECT: waiting,
        Offer.TO_SETTLE: (views.operation_choice(_LOST, _NOW),),
    }


def _form(kind: Kind, offers: Mapping[Offer, tuple[Choice, ...]], nothing: str = "", note: str = "") -> forms.Form:
    name = "prod" if kind.of_cluster else ""
    return forms.Form(
        (),
        kind.key,
        _CLUSTERS,
        name,
        entries(kind, FormContext(name, offers)),
        tuple(filter(None, (kind.command.summary, note))),
        wording=WORDINGS[kind.key],
        asks=asked_first(kind),
        nothing=nothing,
    )


_NOTHING: Mapping[str, tuple[str, ...]] = {
    "ack": (views.NO_ALERT, views.NOT_YOURS, views.ALL_YOURS),
    "unack": (views.NONE_HELD,),
    "note": (views.NOTHING_TO_NOTE,),
    "unsilence": (views.NO_SILENCE,),
    "op cancel": (views.NOTHING_TO_CANCEL,),
    "op reject": (views.NOTHING_TO_REJECT,),
    "op settle": (views.NOTHING_TO_SETTLE,),
}


def _samples() -> Iterator[Sample]:
    for kind in ANSWERS:
        yield Sample(f"/cm {kind.key}", forms.form(_form(kind, _offers())))
    for key, sentences in _NOTHING.items():
        of_key = next(kind for kind in ANSWERS if kind.key == key)
        for sentence in sentences:
            yield Sample(f"/cm {key}, nothing to choose", forms.form(_form(of_key, {}, nothing=sentence)))
    for kind in ANSWERS:
        [offer] = wants(kind)
        if offer is Offer.RULE:
            rules = _form(kind, {Offer.RULE: views.rule_choices(RULES, ())}, note=views.RULES_UNREAD)
            yield Sample(f"/cm {kind.key}, database down", forms.form(rules))
        else:
            typed = _form(kind, {}, note=views.to_be_typed(offer))
            yield Sample(f"/cm {kind.key}, database down", forms.form(typed))
    yield Sample("being done", forms.being_done())


def section() -> Section:
    """Return the section."""
    return Section("Forms about alerts, silences and operations", tuple(_samples()))
