"""Write docs/alerts.md from RULES and the runbooks: `python -m tests.docgen.alerts`."""

from collections.abc import Iterator
from pathlib import Path

from bot.alerting.causes import CAUSES, Because, Treatment
from bot.alerting.model import Severity
from bot.alerting.rules.base import Names, Rule, Threshold, Unit
from bot.alerting.rules.table import INHIBITS, RULES
from bot.alerting.runbooks import RUNBOOKS
from bot.alerting.runbooks.runbook import Runbook
from bot.common.text import duration

PAGE = Path("docs/alerts.md")

_INTRODUCTION = """\
# Alerts

Every poll interval the watch polls all hosts of a cluster and evaluates the rules below. Each finding of a rule becomes
an alert: one message in the cluster's `alert_channel`, which is edited as things change. An edit notifies no one, so an
alert that gets worse also replies in its thread, and a critical one shows that reply in the channel. A resolved alert
says how long it lasted, in its message and in one line of its thread.

An open alert shows the first step of its runbook as *Next*. **Acknowledge** says that you take care of it: you are its
holder until it is resolved or gets worse ([below](#who-holds-an-alert)). **Silence** mutes the subject of this one
alert for a time or until it is resolved (7 days at most). Both need the role operator, and the channel sees them.
**Show cluster** and **Runbook** answer you alone, as `/cm stat` and `/cm runbook <rule>` do; the runbook opens as a
modal, with a link to this page if `docs_url` is set.
If a rule knows a fix, such as *Enable disk_repair*, a button proposes it as if you had typed the command in that
channel: your role, the preflight and the policy apply, and nothing changes before the card is approved.
Where the text names a change that needs more from you, such as `/cm member add`, **Propose the next step** opens its
form, filled with what the alert tells; so does the button of a runbook. `/cm runbook 17` shows the runbook of an alert.

If an alert's channel refuses it, because it was archived or cmbot was removed, the alert goes with its thread to
`alerts.fallback_channel` and names its channel. `/readyz` fails and names the channel, which is tried again every
minute. Once it takes messages again, a notice there links to the fallback channel; without a fallback channel the open
alerts are posted then. If a person deletes the message of an open alert, it is posted again. If Slack refuses to edit a
message (`edit_window_closed`), the new state is a new message with a link to the old one: at once when the alert is
resolved, at most every two minutes while it is open. If a thread takes no replies, an alert that gets worse is posted
in the channel instead, with a link to the alert.

- **hold**: how long a finding must last before it is announced. **clear**: how long it must be gone before the alert
  is resolved.
- One failure is one alert: an alert that another one already covers is not announced. A dead node is reported as the
  quorum at risk, else as a peer that is down, else as a silent host; the alert names all that belongs to it. When that
  alert ends, the remaining ones are announced. An alert holds back another for the same subject only (that host, that
  task, that zone). Only `cluster_unreachable`, `no_leader` and `leader_flapping`, which concern a whole cluster, hold
  back whole rules.
- One cause is one message: an alert with the cause of an announced one is *folded* into the message of that one, under
  *Of the same cause*, and a reply in its thread says so. A broken disk, `disk_repair` off and a switch that means
  nothing are one message, with one button that ends all three; a killed leader is one message, with the change of the
  leader and the risk to the quorum. A folded alert keeps its number, state, reminders and calls, and `/cm alerts` lists
  it. The message is as severe as its most severe open alert; the reply about one that is critical, more severe than the
  message was, or a new failure is shown in the channel. **Acknowledge** and **Silence** are for the whole message, but
  `no_leader`, `quorum_at_risk` and the like must be named to be silenced. If the first alert is resolved or silenced,
  what is still open gets a separate message. An alert about a change (`leader_changed`, `switch_changed`) stays open
  while its effects are. [Which alerts share a message](#which-alerts-share-a-message) has all pairs.
- **worse**: a higher severity, a higher number, or a new part. A new part (another disk, voter, host, zone or change)
  is shown in the channel, for a warning too, at most once per 5 minutes and alert. A higher number stays in the thread
  unless the alert is critical. An alert that improves and is as bad as before within 15 minutes is the same problem:
  its message is edited, but no one is notified, and its acknowledgement or silence stays.
- A change by an operation of cmbot neither raises a warning, nor makes one worse, nor counts: it is listed with its
  operation. One operation explains one change.
- **remind**: how often a firing alert is repeated.
- A rule that *cannot tell* (no host answers, no leader is known) leaves its alerts as they are: none fires, gets worse
  or is resolved. That time counts neither for `hold` nor for `clear`. A new leader has not counted disks and space
  yet: until it has, the counters of the previous leader apply, for 6 minutes at most (`settled`).
- A new leader is announced as soon as it claims to lead, or as soon as one follower names it in a higher term and no
  other host contradicts (*as peer 3 saw it; not confirmed yet*). A slow host does not delay this: after half a second
  the other hosts' answers are enough.
- After its start the bot announces and resolves nothing before its second poll. One exception: a finding without a hold
  time, on a cluster that it polled before. Announced alerts are not announced again; changes meanwhile are.
- **escalation**: if a critical alert fires and no one acknowledges it for `escalate_after`, it calls the user group
  `escalate_to` in the channel, once, and then with every reminder. An acknowledgement or a silence ends that; an
  acknowledged alert that gets worse, is given back, or whose acknowledgement expires, calls again after the same time.
- **storms**: a storm begins with more than `storm.cluster` new alerts of one cluster, or `storm.channel` of all
  clusters in one channel, within `storm.within`. Further alerts are listed in one group message, which is edited, with
  its thread and `/cm alerts` for the rest. `cluster_unreachable`, `no_leader` and `quorum_at_risk` always get their own
  message. When the storm is over (at most half as many came), the group message says so, the most severe alerts that
  still fire get their own message, and the others stay listed until they are resolved.
- If a cluster is removed from the settings, its alerts are closed in the channels that show them, and its silences end.
- The end of a silence is announced: in the thread of an alert that it muted and that still fires, else in one line in
  the channel. It ends early for an alert that gets worse, and the alert's thread says so.
- A silence may begin later: `/cm silence peer_down prod from="sat 22:00" until="sun 02:00"`. It begins and ends by
  itself, and the channel hears of both. Until then it mutes nothing, `/cm silences` lists it as planned, and
  `/cm unsilence` cancels it. It begins at most 31 days ahead and lasts at most 7 days. A time without a zone is one of
  the cluster's `timezone`; a time of day without a date is the next one. A time that the clocks skip in spring counts
  from before the change; one that they show twice in autumn is the first of both.
- **maintenance windows** of the settings mute alerts every week at the same time
  ([configuration.md](configuration.md#maintenance-windows)). Each of them is a silence that begins by itself, by the
  same rules: it ends early for an alert that gets worse, a person with the role operator may lift it, and it does not
  begin again that time. Critical alerts are posted unless `severities` names them. A window without `rules` spares
  what `*` spares. `/cm silences` lists all windows with their next time; `/cm stat` and the status line say what is
  muted now.
- **notes**: `/cm note alert 17 fan 3 was loud` keeps what people found out: in the alert's thread, in the hand-over and
  in the runbook of the rule, where the next person who gets this alert reads it. The shortcut *Keep as note* in the
  menu of a message does the same with that message. Notes are kept as long as operations (`retention.operations`).
- **timelines**: `/cm timeline alert 17` shows all that happened on the cluster from five minutes before the alert until
  its end, in order, with times in UTC and people, as a message and as a Markdown file for the post-mortem.

Every value can be changed by rule, for all clusters or for one:

```yaml
rules:                                # all clusters
  disk_broken: {severity: critical, remind: 4h}
clusters:
  - name: prod
    rules:                            # this cluster only; overrides
      leader_changed: {window: 30m}
      task_off_too_long: {meant_off: [balance, data_inspect]}
      read_only: {enabled: false}

alerts:                               # all clusters; `clusters[].alerts` takes the same keys and overrides
  escalate_to: S0ONCALL
  escalate_after: 15m
  escalate_severity: critical         # or warning, info: the lowest severity that is escalated
  remind_holder: 4h                   # when the holder of an alert is reminded; 0: never
  storm: {cluster: 6, channel: 10, within: 5m}  # top level only
```
"""

_HOLDERS = """\
## Who holds an alert

The person who acknowledged an alert holds it. Its message, `/cm alerts`, the Home tab, summaries and the hand-over name
the holder and the end of the acknowledgement.

- **Hold it**: *Acknowledge*, `/cm ack 3`, or `/cm ack` alone: its form lists the open alerts. Its message names you. It
  sends no reminder to the channel and calls no one until it gets worse.
- **Hold it for a time**: `/cm ack 3 for=2h` (7 days at most); the same with another time changes the end. Then the
  alert fires for everyone, its thread says so and mentions you, and it escalates after `escalate_after`, as at first.
- **Take it over**: *Take over*, or `/cm ack 3 take`, with `for=` if you like. Its thread mentions the person
  who held it.
- **Give it back**: *Give back*, or `/cm unack 3`. Only its holder does; another person takes it over first. Its thread
  says that no one holds it (of a critical alert the channel sees that too), and it escalates after `escalate_after`.
- A click counts only for the holder whom its message showed. If the alert changed hands meanwhile, the person who
  clicked reads who holds it now, and nothing is changed.
- An alert that gets worse ends the acknowledgement, and its end, as before.
- After `remind_holder` (4 hours) a reply in the alert's thread mentions the holder, again 4, 8 and 16 hours later, then
  once a day. One reminder names all alerts of this person and cluster that are due within half an hour. There is none
  while the alert is silenced, in maintenance, covered by another alert, or no longer found.
- While a silence mutes the alert, an acknowledgement that ends says so in the alert's message only; the alert is
  announced when the silence ends.
- The audit log has a row for each: acknowledged, taken over, given back, end changed, expired, holder reminded.
- `/cm alerts` lists an alert that a silence muted before it was announced, too: as silenced, not announced.
"""
_COMMON = """\
Besides its own thresholds every rule takes `enabled` (true or false), `severity` (info, warning, critical; a rule may
use a lower one), `hold`, `clear` and `remind` (durations; `remind: 0` never reminds).
"""


_CAUSES = """\
Each pair of rules that may fire for one cause, and what becomes of the other alert. **fold**: it is announced in the
message of the first one, if the facts of both prove one cause (the same disk, task, peer or host). **inhibit**: it is
not announced while the first one lasts, which names what belongs to it. **take over**: the first one is over, and the
other one goes on in its message and thread. **keep**: both have their own message. Pairs that are not listed have
different causes.
"""

SYMPTOMS: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    (
        "Clients of the storage",
        (
            ("writes fail everywhere", ("no_leader", "cluster_unreachable", "volumes_low", "writable_low")),
            ("writes stop for a moment, again and again", ("leader_flapping", "leader_changed")),
            ("writes are slow", ("slow_answers", "peer_lagging", "apply_stalled")),
            ("writes of one zone fail", ("disk_expired", "chunks_low")),
            ("some blobs cannot be read", ("volumes_unreachable", "volumes_lost")),
            ("a new cluster takes no data", ("no_volume", "volumes_low")),
        ),
    ),
    (
        "Nodes and raft",
        (
            ("a node does not answer", ("host_unreachable", "peer_down", "quorum_at_risk")),
            ("a node answers with errors, or is another service", ("api_error", "stale_host", "hosts_disagree")),
            ("a node is up but far behind", ("peer_lagging", "apply_stalled")),
            ("401, 403 or a rejected token", ("auth_rejected",)),
            ("two nodes say that they lead", ("hosts_disagree",)),
            ("peers, disks and space are missing in every answer", ("leader_unseen",)),
            ("a member that no one added or removed", ("membership_changed", "stale_host")),
            ("a learner waits to become a voter", ("learner_ready",)),
            ("the cluster says that it is read-only", ("read_only",)),
        ),
    ),
    (
        "Disks, volumes and space",
        (
            ("a disk broke", ("disk_broken", "volumes_at_risk")),
            ("disks or a whole host are silent", ("disk_expired", "volumes_unreachable")),
            ("a repair does not go on", ("repair_stuck", "task_off_with_work", "scheduler_silent", "tasks_failing")),
            ("a drop does not go on", ("drop_stuck", "task_off_with_work", "scheduler_silent")),
            ("disks are being dropped, and no one proposed it", ("disk_dropping",)),
            ("may this disk be pulled", ("disk_not_empty", "disk_dropping")),
            ("the space runs out", ("writable_low", "chunks_low", "volumes_low")),
            ("deleted data keeps its space", ("task_off_too_long", "tasks_failing", "switch_meaningless")),
        ),
    ),
    (
        "Background tasks",
        (
            ("a task is off, and work waits", ("task_off_with_work", "task_off_too_long")),
            ("a switch has an odd value, such as Enable", ("switch_meaningless",)),
            ("a switch was changed, and no one proposed it", ("switch_changed",)),
            ("a task is on, and nothing happens", ("scheduler_silent", "tasks_failing", "switch_meaningless")),
        ),
    ),
    (
        "cmbot itself",
        (
            ("all clusters are silent at once", ("own_network",)),
            ("an alert did not change for a long time", ("watch_blind", "leader_unseen", "cluster_unreachable")),
            ("an alert that cmbot did not raise itself", ("external",)),
        ),
    ),
)
"""Symptoms in the words of those who see them, by place, and the rules to read, the most likely first."""


def render() -> str:
    """Render the page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    yield _HOLDERS
    yield from _symptoms()
    yield _COMMON
    yield "| rule | severity | hold | clear | remind | meaning |\n|---|---|---|---|---|---|"
    yield from (_row(rule) for rule in RULES)
    yield ""
    yield from _causes()
    yield from (_section(rule, RUNBOOKS[rule.key]) for rule in RULES)


def _symptoms() -> Iterator[str]:
    yield "## Which alert for which symptom\n"
    yield "What people notice, and the alerts that explain it, the most likely first. Not every symptom is an alert:"
    yield "[troubleshooting.md](troubleshooting.md) has those of commands, messages and cmbot itself.\n"
    yield "| you see | alerts |\n|---|---|"
    for place, symptoms in SYMPTOMS:
        yield f"| **{place}** | |"
        for words, keys in symptoms:
            yield f"| {words} | {', '.join(f'[`{key}`](#{key})' for key in keys)} |"
    yield "\n## All alerts\n"


def _causes() -> Iterator[str]:
    yield "## Which alerts share a message\n"
    yield _CAUSES
    yield "| announced first | other | treatment | why |\n|---|---|---|---|"
    by_reason: dict[tuple[str, Treatment, Because], list[str]] = {}
    for each in CAUSES:
        by_reason.setdefault((each.first, each.treatment, each.because), []).append(each.other)
    for (first, treatment, because), others in by_reason.items():
        yield f"| {_named(first)} | {', '.join(map(_named, others))} | {treatment} | {because} |"
    yield ""


def _named(key: str) -> str:
    return f"[`{key}`](#{key})"


def _row(rule: Rule) -> str:
    times = " | ".join(_time(value) for value in (rule.for_seconds, rule.clear, rule.remind))
    return f"| [`{rule.key}`](#{rule.key}) | {_severity(rule.severity)} | {times} | {rule.about} |"


def _severity(severity: Severity) -> str:
    return severity.name.lower()


def _time(seconds: float) -> str:
    return duration(seconds) if seconds else "-"


def _section(rule: Rule, runbook: Runbook) -> str:
    parts = [f"## {rule.key}", f"{rule.about} Severity: {_severity(rule.severity)}."]
    parts.append(f"**Why it matters.** {runbook.why}")
    parts.append("**What to do.**\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(runbook.steps, 1)))
    parts.append("**How to tune it.** " + " ".join(filter(None, (_defaults(rule), _inhibited(rule), runbook.notes))))
    if rule.thresholds or rule.lists:
        head = "| threshold | default | meaning |\n|---|---|---|\n"
        rows = [_threshold(name, value) for name, value in rule.thresholds.items()]
        parts.append(head + "\n".join([*rows, *(_list(name, value) for name, value in rule.lists.items())]))
    return "\n\n".join(parts) + "\n"


def _defaults(rule: Rule) -> str:
    return f"Announced after {duration(rule.for_seconds)}." if rule.for_seconds else "Announced at once."


def _inhibited(rule: Rule) -> str:
    by = [f"`{key}`" for key, others in INHIBITS.items() if rule.key in others]
    return f"Not announced while {' or '.join(by)} is found." if by else ""


def _threshold(name: str, threshold: Threshold) -> str:
    shown = duration(threshold.default) if threshold.unit is Unit.SECONDS else f"{threshold.default:g}"
    unit = " %" if threshold.unit is Unit.PERCENT else ""
    return f"| `{name}` | {shown}{unit} | {threshold.about} |"


def _list(name: str, names: Names) -> str:
    return f"| `{name}` | [{', '.join(names.default)}] | {names.about} |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
