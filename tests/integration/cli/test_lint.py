"""`kabanero lint --with-server`: what is not in the files may be on the server; what is nowhere is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.cli.world import STRATEGY, Json, World, resource

REFS = {binding["stageRef"]["name"] for binding in STRATEGY["spec"]["stageBindings"]}
EMIT = {"name": "Start_build"}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(*resources: Json) -> str:
        (tmp_path / "some.yaml").write_text(yaml.safe_dump_all(resources))
        return str(tmp_path / "some.yaml")

    return written


def codes(world: World, *args: str) -> list[tuple[str, str]]:
    said = json.loads(world.run("lint", "-o", "json", *args).out)
    return [(each["severity"], each["code"]) for each in said["items"]]


def test_stages_on_the_server_count_when_it_is_asked(world: World, write: Any) -> None:
    world.create(*(resource("PlaybookStage", name, {"playbook": "any.yml"}) for name in REFS - {"deploy"}))
    file = write(STRATEGY)
    assert codes(world, file) == [("warning", "missing-stage")] * len(STRATEGY["spec"]["stageBindings"])
    assert codes(world, "--with-server", file) == [("error", "missing-stage")]


def test_a_strategy_on_the_server_is_what_a_trigger_is_held_against(world: World, write: Any) -> None:
    world.create(STRATEGY)
    rule = {"emit": EMIT, "variableBindings": [{"name": "src_rep", "location": "x"}]}
    file = write(resource("StrategyTrigger", "main", {"strategy": "main", "events": [rule]}))
    assert codes(world, "--with-server", file) == [("error", "unknown-variable")]


def test_a_kind_that_is_declared_on_the_server_is_known(world: World, write: Any) -> None:
    world.create(resource("StageKind", "load", {"kind": "LoadTest", "playbook": "load.yml"}))
    stage = resource("LoadTest", "load", {"resources": {"input": [], "output": []}})
    binding = {"stageName": "load", "stageRef": {"kind": "LoadTest", "name": "load"}}
    file = write(stage, resource("StrategyDefinition", "load", {"stageBindings": [binding]}))
    assert codes(world, file) == [("warning", "unknown-kind")]
    assert codes(world, "--with-server", file) == []


def test_without_a_server_the_files_are_enough(world: World, write: Any) -> None:
    world.stop()
    assert world.run("lint", write(resource("PlaybookStage", "a", {"playbook": "a.yml"}))).code == 0


def test_a_server_that_is_wanted_and_away_is_told(world: World, write: Any) -> None:
    world.stop()
    assert world.run("lint", "--with-server", write(STRATEGY)).code == 4
