"""The check of shard_repair: a margin may be smaller while the task is on but is not done."""

import json
from dataclasses import replace

import pytest

from bot.alerting.cluster_state.background import TaskHindrance
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.scheduler_survey import SchedulerAnswer, SchedulerFault, SchedulerSurvey, TaskStats
from bot.operations.codec import decode_verdict, encode_verdict
from bot.operations.preflight.check import preflight
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.facts.disks import MarginsSmaller
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import DiskOffline
from bot.views.preflight_text.table import check_text
from tests.docgen.cluster_fixture import Scene
from tests.docgen.disk_fixture import DiskScene

WELL = DiskScene().facts()
WORKS = SchedulerSurvey(9.0, (SchedulerAnswer("s:1", {"shard_repair": TaskStats(failed=(0, 0, 0))}),))
FAILS = SchedulerSurvey(9.0, (SchedulerAnswer("s:1", {"shard_repair": TaskStats(failed=(0, 12, 0))}),))
SILENT = SchedulerSurvey(9.0, (SchedulerAnswer("s:1", fault=SchedulerFault.TIMEOUT),))


@pytest.mark.parametrize(
    ("disks", "why", "sentence"),
    [
        (replace(WELL, statistics=FAILS), TaskHindrance.FAILING, "`shard_repair` fails: new blobs may"),
        (replace(WELL, statistics=SILENT), TaskHindrance.SILENT, "`shard_repair` is on, but no scheduler answers: "),
        (replace(WELL, services=()), TaskHindrance.NOT_REGISTERED, "`shard_repair` is on, but no scheduler is regis"),
    ],
)
def test_task_that_is_on_but_not_done_is_a_warning(disks: DiskFacts, why: TaskHindrance, sentence: str) -> None:
    result = preflight(DiskOffline(7), *Scene().snapshots(), facts=PreflightContext(disks=disks))
    check = result.check("shard_repair")
    assert check is not None
    assert check.level is CheckLevel.WARN
    assert isinstance(check.fact, MarginsSmaller)
    assert check.fact.hindered is why
    assert check_text(check).sentence.startswith(sentence)
    assert check_text(check).sentence.endswith("so each margin may be smaller by that.")
    stored = json.loads(json.dumps(encode_verdict(result, check_text)))
    assert decode_verdict(stored).check("shard_repair") == check


@pytest.mark.parametrize("disks", [WELL, replace(WELL, statistics=WORKS), replace(WELL, services=None)])
def test_task_that_works_as_far_as_is_known_is_no_warning(disks: DiskFacts) -> None:
    result = preflight(DiskOffline(7), *Scene().snapshots(), facts=PreflightContext(disks=disks))
    assert result.check("shard_repair") is None
