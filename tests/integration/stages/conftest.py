"""A runner and a program of custom stages for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.stages.world import World, definitions
from tests.support.runner import Runner
from tests.support.stage_process import EXAMPLE


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A running runner that knows the example."""
    with Runner(tmp_path_factory.mktemp("runner")) as started:
        for file in ("stagekind.yaml", "stage.yaml", "strategy.yaml"):
            started.apply(yaml.safe_load((EXAMPLE / file).read_text()))
        yield started


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where programs of the test log."""
    return tmp_path / "stages.log"


@pytest.fixture
def world(runner: Runner, tmp_path: Path) -> Iterator[World]:
    """Strategies of custom stages, and no program yet."""
    runner.apply(*definitions())
    made = World(runner, tmp_path)
    yield made
    made.close()
