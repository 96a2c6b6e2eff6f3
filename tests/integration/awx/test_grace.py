"""How long cancelled work that does not end is waited for is a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.awx.world import QUICK, World
from tests.support.awx import FakeAwx
from tests.support.awx.scripts import Script
from tests.support.runner import Runner


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_a_stage_ends_without_a_job_that_does_not_let_itself_be_cancelled(
    awx: FakeAwx, tmp_path: Path, seconds: float
) -> None:
    awx.template("deploy", Script(hold=True, stubborn=True))
    with Runner(tmp_path, config={**QUICK, "stages": {"cancelGrace": seconds}}) as runner:
        world = World(runner, awx)
        world.set_up()
        world.start()
        id = world.job_known()
        world.patch("strategyruns", "ship-1", {"cancel": True})
        assert world.ended()["phase"] == "Cancelled"
        assert awx.job(id)["status"] == "running"
