"""A stageRef that leads nowhere ends the stage with the reference that was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from kabanero.controllers.definitions import StageUnknownError, plan_of
from kabanero.stores.sqlite import SqliteStore

from tests.support.clock import FakeClock
from tests.support.runner import resource
from tests.support.strategies import playbook_stage


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("PlaybokStage", "build", "PlaybokStage is no kind of stage (did you mean PlaybookStage?)"),
        ("CloudStge", "a", "CloudStge is no kind of stage (did you mean CloudStage?)"),
        ("Mainframe", "a", "Mainframe is no kind of stage (declare it by a StageKind in namespace kabanero)"),
        ("StrategyRun", "a", "StrategyRun is no kind of stage (declare it by a StageKind in namespace kabanero)"),
        (
            "PlaybookStage",
            "biuld",
            "there is no PlaybookStage biuld in namespace kabanero (did you mean build?)",
        ),
        (
            "ApprovalStage",
            "champ",
            "ApprovalStage is no kind of stage (did you mean EmailApprovalStage?)",
        ),
        (
            "TektonStage",
            "build",
            "there is no TektonStage build in namespace kabanero (apply a TektonStage of this name)",
        ),
    ],
)
async def test_a_reference_that_leads_nowhere_is_told_with_what_would_mend_it(
    tmp_path: Path, kind: str, name: str, said: str
) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock())
    await store.create(playbook_stage("build"))
    await store.create(resource("StageKind", "cloud", {"kind": "CloudStage", "controller": "external"}))
    with pytest.raises(StageUnknownError) as error:
        await plan_of(store, "kabanero", {"kind": kind, "name": name})
    await store.close()
    assert str(error.value) == said


async def test_an_appsody_build_is_carried_out_by_the_playbook_that_somebody_names(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock())
    ref = {"kind": "AppsodyBuild", "name": "build"}
    await store.create(resource("AppsodyBuild", "build", {}))
    with pytest.raises(StageUnknownError, match=r"has no playbook; set spec\.playbook, or declare a StageKind"):
        await plan_of(store, "kabanero", ref)
    kind = {"kind": "AppsodyBuild", "controller": "playbook", "playbook": "acme.shop.build"}
    await store.create(resource("StageKind", "appsody", kind))
    plan = await plan_of(store, "kabanero", ref)
    await store.close()
    assert (plan.controller, plan.playbook) == ("playbook", "acme.shop.build")
