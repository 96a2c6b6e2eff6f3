"""The names that a playbook needn't ask for are those that it is given."""

from __future__ import annotations

from kabanero.controllers.definitions import StagePlan
from kabanero.controllers.stage_vars import extra_vars
from kabanero.model.stage_vars import STAGE_VARS

SPEC = {"contextID": "c", "strategy": "s", "strategyRun": "r", "stageName": "Build"}
STAGE_RUN = {"metadata": {"name": "r-build", "namespace": "a", "uid": "u"}, "spec": SPEC, "status": {"attempt": 1}}


def test_the_list_of_names_that_every_playbook_is_given_is_complete() -> None:
    plan = StagePlan("playbook", "build.yml", {"kind": "PlaybookStage", "spec": {}})
    assert tuple(extra_vars(STAGE_RUN, plan, 0)) == STAGE_VARS
