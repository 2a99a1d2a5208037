"""The Home tab: clusters at their last poll, what is open, commands, and the rights of the reader. No I/O."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field

from slackblocks import Button

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert, AlertState, Silence
from bot.common.frozen import frozen
from bot.interactions.events import HOME_ACKNOWLEDGE
from bot.interactions.message import BlockJson
from bot.operations.model import Operation
from bot.views.alert_text.table import sentence_of
from bot.views.alerts import severity_mark, severity_word
from bot.views.blocks import (
    actions,
    button,
    clip,
    code,
    context,
    count,
    date,
    divider,
    duration,
    escape,
    header,
    section,
)
from bot.views.folded import where_folded
from bot.views.holders import held_by
from bot.views.maintenance_text import maintenance_line
from bot.views.op_parts import proposer, title, waits_for
from bot.views.parts import mark_of, verdict_of

STATUS, CHANGE = "home:status:", "home:change:"
"""The prefixes of the action ids of a cluster's buttons; the cluster's name follows."""

_LINES = 10
"""Clusters in one paragraph: well inside Slack's 3,000 characters."""
_WITH_BUTTONS = 15
"""Clusters with a row of buttons; the others are in paragraphs, because Slack shows a hundred blocks."""
_PARAGRAPHS = 15
_MAX_OPEN = 8
"""Alerts and operations that are shown; the others are counted."""
_SENTENCE = 150
"""Shown characters of a verdict."""
_WELL = "healthy"
_NOT_YET = "not polled yet"

STORE_DOWN = "Alerts and changes are missing here, because cmbot cannot reach its database. Open this tab again later."
HOW = (
    f"{code('/cm stat <cluster>')} the state of a cluster now\n"
    f"{code('/cm clusters')} all clusters at their last poll\n"
    f"{code('/cm do')} change a cluster with a form\n"
    f"{code('/cm help')} all commands, {code('/cm help <command>')} for one of them\n"
    f"{code('/cm whoami')} what you may do, and why"
)


@frozen
class HomeCluster:
    """One cluster: its last known condition."""

    name: str
    noted: ClusterNote

    @property
    def level(self) -> str:
        """The state in one word."""
        return self.noted.level or _NOT_YET

    @property
    def line(self) -> str:
        """The cluster in a line of mrkdwn, with its verdict if it is not healthy."""
        verdict = "" if self.level == _WELL else clip(self.noted.verdict, _SENTENCE)
        if not verdict:
            when = f", as of {date(self.noted.at, 'minute')}" if self.noted.at else ""
            return f"{mark_of(self.level)} *{escape(self.name)}* {escape(self.level)}{when}"
        when = f" _(as of {date(self.noted.at, 'minute')})_" if self.noted.at else ""
        return f"{mark_of(self.level)} {verdict_of(self.name, verdict)}{when}"


@frozen
class Waiting:
    """An operation that waits for approval: `link` is the address of its card, `mine` if the reader may approve it."""

    op: Operation
    link: str = ""
    mine: bool = False


@frozen
class Home:
    """The content of one person's tab: `standing` has their rights, `may_change` the clusters that they may change.

    `undelivered` is the number of messages that could not be posted, 0 for readers who cannot post them again.
    `maintenances` are in force; `muted` is the number of alerts that each mutes, by its id.
    `links` are the addresses of the alerts' messages, by the id of the alert.
    `store_down`: the database did not answer, so alerts and changes are missing. `notes` are sentences about the
    installation, for those who hold a role.
    """

    clusters: Sequence[HomeCluster]
    standing: Sequence[str]
    may_change: Collection[str] = ()
    alerts: Sequence[Alert] = ()
    waiting: Sequence[Waiting] = ()
    now: float = 0.0
    undelivered: int = 0
    store_down: bool = False
    maintenances: Sequence[Silence] = ()
    muted: Mapping[int, int] = field(default_factory=dict)
    links: Mapping[int, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def home(shown: Home) -> tuple[BlockJson, ...]:
    """Render the tab: first what waits for the reader, then what is wrong."""
    return (
        *_problems(shown),
        *_operations(shown.waiting),
        *_alerts(shown),
        *_maintenances(shown),
        header("Clusters"),
        section(f"*{_sentence(shown.clusters)}*"),
        *_clusters(shown.clusters, may_change=shown.may_change),
        context("The state at the last poll. This tab follows changes for an hour after you opened it."),
        divider(),
        header("Commands"),
        section(HOW),
        divider(),
        header("What you may do"),
        section("\n".join(f"• {escape(sentence)}" for sentence in shown.standing) or "Your rights are not known."),
    )


def _problems(shown: Home) -> Iterator[BlockJson]:
    if shown.store_down:
        yield context(f"⚠ {STORE_DOWN}")
    if shown.undelivered:
        yield context(f"⚠ {count(shown.undelivered, 'message')} could not be posted: `/cm ops` lists them.")
    for note in shown.notes:
        yield context(f"⚠ {escape(note)}")


def _sentence(clusters: Sequence[HomeCluster]) -> str:
    if not clusters:
        return "No cluster is configured."
    well = sum(cluster.level == _WELL for cluster in clusters)
    return f"{well} of {count(len(clusters), 'cluster')} {'is' if well == 1 else 'are'} healthy."


def _clusters(clusters: Sequence[HomeCluster], *, may_change: Collection[str]) -> Iterator[BlockJson]:
    ranked = sorted(clusters, key=lambda cluster: (cluster.level == _WELL, cluster.name))
    for cluster in ranked[:_WITH_BUTTONS]:
        yield section(cluster.line)
        yield _buttons(cluster.name, may_change=cluster.name in may_change)
    rest = ranked[_WITH_BUTTONS:]
    groups = [rest[start : start + _LINES] for start in range(0, len(rest), _LINES)]
    for group in groups[:_PARAGRAPHS]:
        yield section("\n".join(cluster.line for cluster in group))
    left = len(rest) - _PARAGRAPHS * _LINES
    if left > 0:
        yield context(f"… and {left} more: `/cm clusters` lists all.")


def _buttons(cluster: str, *, may_change: bool) -> BlockJson:
    status = button("Show status", f"{STATUS}{cluster}", cluster)
    return actions(status, button("Change…", f"{CHANGE}{cluster}", cluster)) if may_change else actions(status)


def _operations(waiting: Sequence[Waiting]) -> Iterator[BlockJson]:
    if not waiting:
        return
    yield header("Changes that wait for approval")
    ranked = sorted(waiting, key=lambda each: (not each.mine, each.op.id))
    for each in ranked[:_MAX_OPEN]:
        for_whom = "*you may approve it*" if each.mine else f"waits for {waits_for(each.op)[0].rstrip('.')}"
        sentence = f"Operation #{each.op.id}: {escape(title(each.op))}, asked for by {proposer(each.op)}"
        # People decide at the card, which shows the results of the checks.
        link = button("Open the card", f"home:card:{each.op.id}", "", url=each.link) if each.link else None
        yield section(f"⏳ {sentence}\n{for_whom}, until {date(each.op.expires_at, 'time')}", accessory=link)
    yield from _more(len(waiting), "/cm ops")


def _alerts(shown: Home) -> Iterator[BlockJson]:
    if not shown.alerts:
        return
    yield header("Open alerts")
    for alert in shown.alerts[:_MAX_OPEN]:
        yield section(_alert(alert, shown.now, shown.alerts), accessory=_taken(alert, shown.may_change))
        if alert.id in shown.links:
            yield context(f"<{shown.links[alert.id]}|Open its message and thread>")
    yield from _more(len(shown.alerts), "/cm alerts")


def _taken(alert: Alert, may_change: Collection[str]) -> Button | None:
    """Return the button that acknowledges an alert, None if it is acknowledged or the reader may not."""
    if alert.state is not AlertState.FIRING or alert.cluster not in may_change:
        return None
    return button("Acknowledge", f"{HOME_ACKNOWLEDGE}{alert.id}", json.dumps({"alert": alert.id}))


def _maintenances(shown: Home) -> Iterator[BlockJson]:
    if not shown.maintenances:
        return
    yield header("Hosts in maintenance")
    lines = [maintenance_line(each, shown.muted.get(each.id, 0), shown.now) for each in shown.maintenances[:_MAX_OPEN]]
    yield section("\n".join(lines))
    yield from _more(len(shown.maintenances), "/cm maintenances")


def _alert(alert: Alert, now: float, alerts: Sequence[Alert]) -> str:
    held = f", {held_by(alert)}" if held_by(alert) else ""
    held += ", silenced" if alert.notes.muted else ""
    held += where_folded(alert, alerts)
    return (
        f"{severity_mark(alert.severity)} *#{alert.id}* {severity_word(alert.severity)} · *{escape(alert.cluster)}*: "
        f"{escape(clip(sentence_of(alert), _SENTENCE))} (for {duration(now - alert.since)}{held})"
    )


def _more(total: int, command: str) -> Iterator[BlockJson]:
    if total > _MAX_OPEN:
        yield context(f"… and {total - _MAX_OPEN} more: {code(command)} lists all.")
