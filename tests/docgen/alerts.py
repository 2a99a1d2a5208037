"""Writes docs/alerts.md from RULES and the runbooks: `python -m tests.docgen.alerts`."""

from collections.abc import Iterator
from pathlib import Path

from bot.alerting.model import Severity
from bot.alerting.rules.base import Names, Rule, Threshold, Unit
from bot.alerting.rules.table import INHIBITS, RULES
from bot.alerting.runbooks import RUNBOOKS
from bot.alerting.runbooks.runbook import Runbook
from bot.alerting.text import span

PAGE = Path("docs/alerts.md")

_INTRODUCTION = """\
# Alerts

Every poll interval the watch asks all hosts of a cluster and puts what they say before the rules below. What a rule
finds becomes an alert: one message in the cluster's `alert_channel` that is edited as things change. An edit notifies
nobody, so what gets worse is also said in the alert's thread, and shown in the channel when it is critical. A resolved
alert says how long it lasted, in its own message and in one line of its thread.

At the message of an open alert *Next* is the first step of its runbook. **Acknowledge** says that you take care of it.
**Silence** mutes what this one alert is about, for a time or until it is resolved (7 days at most). Both are for
operators, and are told. **Show cluster** and **Runbook** answer you alone, as `/cm stat` and `/cm runbook <rule>` do.
Where a rule knows what would mend it, such as *Enable disk_repair*, that button proposes it as if you had typed the
command there: your rights, the preflight and the policy count, and nothing changes before the card is approved.

An alert that its channel does not take, because it was archived or cmbot was thrown out, goes with its thread to
`alerts.fallback_channel` and says where it belongs. `/readyz` fails and names the channel. It is tried every minute;
once it takes messages again it is told where to look. Without a fallback channel its open alerts are posted then. If
somebody deletes the message of an open alert it is posted again. Where Slack lets no message be edited any more
(`edit_window_closed`), the new state is a new message with a link to the old one: at once when the alert is resolved,
at most every two minutes while it is open. Where a thread takes no replies, what gets worse is said in the channel
itself, with a link to the alert.

- **hold**: how long something must last before it is told. **clear**: how long it must be gone before it counts as
  resolved.
- One failure is one alert: what another alert tells of already is not told beside it. A dead node is the quorum at
  risk, else a peer that is down, else a silent host; the alert names all that belongs to it. What is left when that
  one ends is announced then. An alert holds back another for the same subject only (that host, that task, that
  zone); only `cluster_unreachable`, `no_leader` and `leader_flapping`, which hold for a whole cluster, hold back
  whole rules.
- **worse**: a higher severity, more of it, or something new in it. What is new (another disk, voter, host, zone or
  change) is shown in the channel, for a warning too, once per 5 minutes and alert at the most; more of the same stays
  in the thread unless it is critical. What eases and within 15 minutes is as bad as it was is the same trouble: it is
  followed in the message, and wakes neither the channel nor who acknowledged or silenced it.
- What an operation of cmbot did neither raises a warning, nor makes one worse, nor counts: it is listed with its
  operation. One operation explains one change.
- **remind**: how often it is told again while it fires.
- A rule that *cannot tell* (nobody answers, no leader is known) leaves its alerts as they are: none fires, gets worse
  or is resolved. That time counts neither for `hold` nor for `clear`. A new leader has not counted disks and space
  yet: until it has, what the leader before it counted holds, for 6 minutes at the most (`settled`).
- A new leader is announced as soon as it says so, or as soon as one follower names it in a higher term and no other
  host contradicts (*as peer 3 saw it; not confirmed yet*). A host that holds a look up delays nothing of that: after
  half a second the others' answers are enough.
- Right after its start the bot tells and resolves nothing before its second look, but for what one look proves (no
  hold time) of a cluster it watched before. What it told before is not told again; what changed meanwhile is.
- **escalation**: a critical alert that fires and that nobody acknowledged for `escalate_after` calls the user group
  `escalate_to` in the channel, once, and then with every reminder. An acknowledgement or a silence ends that; an
  acknowledged alert that gets worse calls again after the same time.
- **storms**: more than `storm.cluster` new alerts of one cluster, or `storm.channel` of all clusters in one channel,
  within `storm.within`: further ones have no message of their own but are listed in one digest message that is edited,
  with its thread and `/cm alerts` for the rest. `cluster_unreachable`, `no_leader` and `quorum_at_risk` always have
  their own. When the storm is over (no more than half as many came) the digest says so, the gravest that still fire get
  their own message, and the rest stays listed until it is over.
- A cluster that leaves the settings has its alerts closed and told where they were told; its silences end.
- A silence that ends is told: in the thread of an alert that it kept quiet and that is still so, else in one line in
  the channel. It ends before its time for an alert that gets worse, and the alert's thread says so.

Every value can be changed by rule, for all clusters or for one:

```yaml
rules:                                # all clusters
  disk_broken: {severity: critical, remind: 4h}
clusters:
  - name: prod
    rules:                            # this one only; it wins
      leader_changed: {window: 30m}
      task_off_too_long: {meant_off: [balance, data_inspect]}
      read_only: {enabled: false}

alerts:                               # all clusters; `clusters[].alerts` takes the same keys and wins
  escalate_to: S0ONCALL
  escalate_after: 15m
  escalate_severity: critical         # or warning, info: what is that grave at least is escalated
  storm: {cluster: 6, channel: 10, within: 5m}  # for all clusters only
```
"""

_COMMON = """\
Besides its own thresholds every rule takes `enabled` (true or false), `severity` (info, warning, critical; a rule may
use a lower one by itself), `hold`, `clear` and `remind` (durations; `remind: 0` never reminds).
"""


def render() -> str:
    """The whole page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    yield _COMMON
    yield "| rule | severity | hold | clear | remind | what it means |\n|---|---|---|---|---|---|"
    yield from (_row(rule) for rule in RULES)
    yield ""
    yield from (_section(rule, RUNBOOKS[rule.key]) for rule in RULES)


def _row(rule: Rule) -> str:
    times = " | ".join(_time(value) for value in (rule.hold, rule.clear, rule.remind))
    return f"| [`{rule.key}`](#{rule.key}) | {_severity(rule.severity)} | {times} | {rule.about} |"


def _severity(severity: Severity) -> str:
    return severity.name.lower()


def _time(seconds: float) -> str:
    return span(seconds) if seconds else "-"


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
    return f"Told after {span(rule.hold)}." if rule.hold else "Told at once."


def _inhibited(rule: Rule) -> str:
    by = [f"`{key}`" for key, others in INHIBITS.items() if rule.key in others]
    return f"Not told while {' or '.join(by)} is seen." if by else ""


def _threshold(name: str, threshold: Threshold) -> str:
    shown = span(threshold.default) if threshold.unit is Unit.SECONDS else f"{threshold.default:g}"
    unit = " %" if threshold.unit is Unit.PERCENT else ""
    return f"| `{name}` | {shown}{unit} | {threshold.about} |"


def _list(name: str, names: Names) -> str:
    return f"| `{name}` | [{', '.join(names.default)}] | {names.about} |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
