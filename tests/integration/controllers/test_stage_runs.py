"""The stage_run controller: a stage that it can't bring on ends with the reason, instead of hanging."""

from __future__ import annotations

from pathlib import Path

from kabanero.ports import WorkResult, WorkStatus

from tests.integration.controllers.world import World
from tests.support.mortal import Life
from tests.support.strategies import binding, match, playbook_stage, strategy


async def nobody(world: World, run: str) -> None:
    """Nobody does anything."""


async def test_a_stage_whose_end_the_runner_can_not_handle_is_errored_and_the_run_ends(tmp_path: Path) -> None:
    async with World.opened(tmp_path) as world:
        build = binding("Build", "PlaybookStage", [match("Start")])
        await world.apply([playbook_stage("build"), *strategy("main", [build])])
        world.executor.endings["Build"] = WorkResult(WorkStatus.WAITING, waiting_for={"kind": "Job"})
        await world.start("one", "main")
        async with world.runner(Life()):
            await world.settled("one", nobody, "Failed")
        stage = await world.stage_run("one", "Build")
        assert stage
        assert (stage["status"]["phase"], stage["status"]["reason"]) == ("Errored", "RunnerError")
        assert "KeyError" in stage["status"]["message"]
