"""`graph` of strategies and runs on a server, and of files without one."""

from __future__ import annotations

import json
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.integration.cli.world import KABANERO, LATER, STRATEGY, Json, Story, World, resource


def strategy(name: str, *bindings: Json, **more: object) -> Json:
    return resource("StrategyDefinition", name, {"stageBindings": list(bindings), **more})


BARE = {"stageName": "build", "stageRef": {"kind": "PlaybookStage", "name": "builder"}}
AFTER = {
    "stageName": "after",
    "stageRef": {"kind": "PlaybookStage", "name": "any"},
    "triggers": [{"match": {"name": "Built"}}],
}
STAGE = resource(
    "PlaybookStage",
    "builder",
    {"playbook": "x.yml", "triggers": [{"match": {"name": "Go"}}], "emit": [{"name": "Built"}]},
)


class TestOnAServer:
    @pytest.fixture(autouse=True)
    def _strategy(self, world: World) -> None:
        world.create(STRATEGY)

    def test_a_strategy_is_drawn(self, world: World) -> None:
        found = world.run("graph", "main").out
        assert "▶ Start_build" in found and "│ approval" in found and "│ all of FVT=Success" in found

    def test_a_run_is_drawn_with_its_phases(self, world: World) -> None:
        story = Story(world).begin()
        story.stage("build", "Succeeded", triggeredBy=["start"], completionTime=LATER).write()
        for name in ("@latest", "main-7", "7f3a", "run/main-7f3a"):
            assert "│ ✔ build" in world.run("graph", name).out

    def test_a_run_that_has_not_begun_shows_its_strategy(self, world: World) -> None:
        world.run("submit", "main", "--name", "fresh")
        done = world.run("graph", "fresh")
        assert ("│ build" in done.out, "has not begun" in done.err) == (True, True)

    def test_stages_pass_on_their_triggers_and_emits(self, world: World) -> None:
        world.create(STAGE, strategy("bare", BARE, AFTER))
        found = world.run("graph", "bare", "-o", "list").lines
        assert "    · waits for Go  ▶ starts a run" in found
        assert "    · sends Built → after" in found

    def test_the_event_of_a_trigger_starts_it(self, world: World) -> None:
        either = {"anyOf": [{"match": {"name": "Go"}}, {"match": {"name": "Midnight"}}]}
        world.create(strategy("two", {**AFTER, "triggers": [either]}))
        rule = {"match": {"eventName": "Push"}, "emit": {"name": "Midnight"}}
        world.create(resource("StrategyTrigger", "two", {"strategy": "two", "events": [rule]}))
        found = json.loads(world.run("graph", "two", "-o", "json").out)
        assert {each["text"]: each["origin"] for each in found["events"]} == {"Go": "missing", "Midnight": "first"}

    def test_mermaid_is_all_that_is_printed(self, world: World) -> None:
        done = world.run("graph", "main", "-o", "mermaid")
        assert (done.lines[0], done.err) == ("flowchart TD", "")

    def test_a_wrong_name_is_answered_with_the_near_one(self, world: World) -> None:
        done = world.run("graph", "mian")
        assert (done.code, "did you mean main?" in done.err, "and no run" in done.err) == (3, True, True)

    def test_a_narrow_terminal_gets_a_list_and_the_reason(self, world: World) -> None:
        env = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **world.environment()}
        child = pexpect.spawn(KABANERO, ["graph", "main"], env=env, dimensions=(24, 20), encoding="utf-8", timeout=15)
        shown = child.read()
        assert "doesn't fit into 20 columns" in shown and "waits for" in shown


class TestFiles:
    def write(self, folder: Path, *resources: Json) -> str:
        (folder / "all.yaml").write_text(yaml.safe_dump_all(resources))
        return str(folder / "all.yaml")

    def test_need_no_runner(self, world: World, tmp_path: Path) -> None:
        file = self.write(tmp_path, STAGE, strategy("bare", BARE, AFTER))
        world.stop()
        assert "▶ Go" in world.run("graph", "-f", file).out

    def test_several_strategies_have_their_names_above_them_and_one_can_be_chosen(
        self, world: World, tmp_path: Path
    ) -> None:
        file = self.write(tmp_path, strategy("one", AFTER), strategy("two", {**AFTER, "stageName": "other"}))
        assert {"one", "two"} <= set(world.run("graph", "-f", file).lines)
        assert "│ after" not in world.run("graph", "two", "-f", file).out

    def test_from_stdin(self, world: World) -> None:
        text = yaml.safe_dump(strategy("bare", AFTER))
        assert "│ after" in world.run("graph", "-f", "-", stdin=text).out

    def test_older_forms_are_repaired_and_drawn(self, world: World) -> None:
        done = world.run("graph", "-f", "tests/data/document/18-strategy-definition-main.yaml")
        assert ("✘ deploy_approval=Success" in done.out, "note:" in done.err) == (True, True)

    def test_mistakes_are_named_with_their_place(self, world: World, tmp_path: Path) -> None:
        file = self.write(tmp_path, strategy("bad", {**AFTER, "triggers": [{"match": {}}]}))
        done = world.run("graph", "-f", file)
        assert (done.code, f"{file}:" in done.err) == (5, True)

    def test_a_strategy_that_is_not_there_is_answered_with_the_near_one(self, world: World, tmp_path: Path) -> None:
        done = world.run("graph", "bear", "-f", self.write(tmp_path, strategy("bare", AFTER)))
        assert (done.code, "did you mean bare?" in done.err) == (3, True)

    def test_a_file_without_a_strategy_is_told(self, world: World, tmp_path: Path) -> None:
        assert world.run("graph", "-f", self.write(tmp_path, STAGE)).code == 3

    def test_without_a_name_or_a_file_the_usage_is_told(self, world: World) -> None:
        assert world.run("graph").code == 2

    def test_hostile_names_are_only_text(self, world: World, tmp_path: Path) -> None:
        name = '\x1b[2J\u202e"]-->x{{ lookup("pipe","touch x") }}'
        file = self.write(
            tmp_path, strategy("bad", {**AFTER, "stageName": name, "triggers": [{"match": {"name": name}}]})
        )
        for output in ("drawing", "list", "mermaid", "json", "yaml"):
            assert not set("\x1b\u202e") & set(world.run("graph", "-f", file, "-o", output).out)
