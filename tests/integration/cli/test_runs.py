"""`submit`, `approve`, `reject`, `cancel`, `retry`: what they write, and what they refuse with which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.cli.world import LATER, STRATEGY, Story, World

ASKS = {"waitsOn": "Approval"}


@pytest.fixture
def story(world: World) -> Story:
    world.create(STRATEGY)
    return Story(world).begin()


class TestSubmit:
    @pytest.fixture(autouse=True)
    def _strategy(self, world: World) -> None:
        world.create(STRATEGY)

    def test_makes_a_run_with_the_values_given(self, world: World) -> None:
        values = ["--var", "src_repo.location=https://x/y", "--var", "src_repo.commit=12345", "--var", "replicas=3"]
        done = world.run("submit", "main", *values, "--emit", "Start_build", "-o", "name")
        run = world.get("strategyruns", done.out.strip().removeprefix("strategyrun/"))
        assert run["spec"] == {
            "strategy": "main",
            "variables": [
                {"name": "src_repo", "location": "https://x/y", "commit": "12345"},
                {"name": "replicas", "value": 3},
            ],
            "emit": {"name": "Start_build"},
        }

    def test_warns_of_a_strategy_that_is_not_ready_and_says_why(self, world: World) -> None:
        reason = "spec.stageBindings[4]: stage deploy is never triggered"
        condition = {"type": "Ready", "status": "False", "reason": "Mistakes", "message": reason}
        world.set_status("strategydefinitions", "main", {"observedGeneration": 1, "conditions": [condition]})
        done = world.run("submit", "main", "--name", "mine")
        assert (done.code, done.lines) == (0, ["run mine created"])
        assert f"warning: strategy main has mistakes: {reason}\n" in done.err

    def test_does_not_warn_of_a_verdict_about_an_older_form(self, world: World) -> None:
        condition = {"type": "Ready", "status": "False", "reason": "Mistakes", "message": "old"}
        world.set_status("strategydefinitions", "main", {"observedGeneration": 0, "conditions": [condition]})
        assert "warning" not in world.run("submit", "main").err

    def test_refuses_at_once_what_no_stage_could_use_and_says_how_to_write_it(self, world: World) -> None:
        done = world.run("submit", "main", "--var", "src_repo=https://github.com/acme/shop")
        assert (done.code, world.run("get", "runs", "-o", "name").lines) == (2, [])
        assert "--var src_repo.location=https://github.com/acme/shop --var src_repo.branch=..." in done.err

    def test_says_how_to_watch_it(self, world: World) -> None:
        done = world.run("submit", "main", "--name", "mine")
        assert done.lines == ["run mine created"]
        assert "kabanero watch mine" in done.err

    def test_asks_for_what_the_strategy_requires_before_anything_is_made(self, world: World) -> None:
        variables = [
            {"name": "app", "type": "string", "required": True},
            {"name": "tag", "required": True, "default": 1},
        ]
        world.create(
            {**STRATEGY, "metadata": {"name": "strict"}, "spec": {**STRATEGY["spec"], "strategyVariables": variables}}
        )
        done = world.run("submit", "strict")
        assert (done.code, "--var app=VALUE" in done.err, "tag" in done.err) == (2, True, False)
        assert world.run("get", "runs", "-o", "name").lines == []

    def test_a_dry_run_starts_nothing(self, world: World) -> None:
        assert world.run("submit", "main", "--dry-run").code == 0
        assert world.run("get", "runs", "-o", "name").lines == []

    def test_values_may_come_from_a_file(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "values.yaml").write_text("replicas: 2\n")
        done = world.run("submit", "main", "-f", str(tmp_path / "values.yaml"), "-o", "json")
        assert json.loads(done.out)["spec"]["variables"] == [{"name": "replicas", "value": 2}]

    def test_a_near_strategy_is_offered_for_a_wrong_one(self, world: World) -> None:
        done = world.run("submit", "mian")
        assert (done.code, "did you mean main?" in done.err) == (3, True)

    def test_a_hostile_value_is_only_a_value(self, world: World) -> None:
        text = "{{ lookup('pipe','touch x') }} $(touch x)"
        done = world.run("submit", "main", "--var", f"src_repo.branch={text}", "-o", "json")
        assert json.loads(done.out)["spec"]["variables"][0]["branch"] == text

    def test_a_name_that_is_taken_is_a_conflict(self, world: World) -> None:
        world.run("submit", "main", "--name", "mine")
        assert world.run("submit", "main", "--name", "mine").code == 5


class TestDecisions:
    def test_the_one_stage_that_waits_is_approved(self, world: World, story: Story) -> None:
        story.stage("approval", "Running", ASKS).write()
        done = world.run("approve", "main-7", "--reason", "looks good", "--by", "champ")
        assert done.lines == ["approval of main-7f3a approved"]
        assert world.get("stageruns", "main-7f3a-approval")["spec"]["approval"] == {
            "decision": "Approved",
            "by": "champ",
            "reason": "looks good",
        }

    def test_a_rejection_says_so_and_by_whom(self, world: World, story: Story) -> None:
        story.stage("approval", "Running", ASKS).write()
        world.run("reject", "@latest", LOGNAME="someone")
        approval = world.get("stageruns", "main-7f3a-approval")["spec"]["approval"]
        assert (approval["decision"], approval["by"]) == ("Rejected", "someone")

    def test_where_none_waits_the_state_and_the_next_step_are_named(self, world: World, story: Story) -> None:
        done = world.run("approve", story.name)
        assert done.code == 5
        assert "no stage of main-7f3a waits for approval: the run is Running" in done.err
        assert "kabanero watch main-7f3a" in done.err

    def test_where_several_wait_one_must_be_named(self, world: World, story: Story) -> None:
        story.stage("approval", "Running", ASKS).stage("deploy", "Running", ASKS).write()
        done = world.run("approve", story.name)
        assert done.code == 2
        assert "waiting: approval, deploy" in done.err
        assert world.run("approve", story.name, "dep").lines == ["deploy of main-7f3a approved"]

    def test_a_stage_that_does_not_wait_is_refused(self, world: World, story: Story) -> None:
        story.stage("approval", "Running", ASKS).write()
        done = world.run("approve", story.name, "build")
        assert (done.code, "it is Waiting" in done.err, "waiting: approval" in done.err) == (5, True, True)

    def test_a_decision_can_not_be_taken_twice(self, world: World, story: Story) -> None:
        story.stage("approval", "Running", ASKS).write()
        world.run("approve", story.name)
        assert world.run("reject", story.name).code == 5

    def test_a_wrong_stage_is_answered_with_the_near_one(self, world: World, story: Story) -> None:
        done = world.run("approve", story.name, "aproval")
        assert (done.code, "did you mean approval?" in done.err) == (3, True)


class TestCancel:
    def test_a_run(self, world: World, story: Story) -> None:
        assert world.run("cancel", story.name, "--reason", "wrong commit").code == 0
        spec = world.get("strategyruns", story.name)["spec"]
        assert (spec["cancel"], spec["cancelReason"]) == (True, "wrong commit")

    def test_a_stage(self, world: World, story: Story) -> None:
        story.stage("build", "Running").write()
        assert world.run("cancel", story.name, "build").code == 0
        assert world.get("stageruns", "main-7f3a-build")["spec"]["cancel"] is True

    def test_what_has_ended_can_not_be_cancelled(self, world: World, story: Story) -> None:
        story.stage("build", "Succeeded").end("Succeeded")
        done = world.run("cancel", story.name)
        assert (done.code, "has ended already: Succeeded" in done.err) == (5, True)


class TestRetry:
    def test_all_that_failed_runs_once_more(self, world: World, story: Story) -> None:
        story.stage("build", "Succeeded").stage("FVT", "Failed").stage("SVT", "TimedOut").end("Failed")
        done = world.run("retry", story.name)
        assert done.lines == ["FVT of main-7f3a starts attempt 2", "SVT of main-7f3a starts attempt 2"]
        assert world.get("stageruns", "main-7f3a-fvt")["spec"]["attempt"] == 2

    def test_an_old_decision_does_not_count_for_the_next_attempt(self, world: World, story: Story) -> None:
        story.stage("approval", "Running", ASKS).write()
        world.run("reject", story.name)
        story.stage("approval", "Failed").end("Failed")
        assert world.run("retry", story.name).lines == ["approval of main-7f3a starts attempt 2"]
        assert "approval" not in world.get("stageruns", "main-7f3a-approval")["spec"]

    def test_a_stage_that_never_ran_can_not_be_repeated(self, world: World, story: Story) -> None:
        story.stage("deploy", "Skipped").end("Failed")
        assert world.run("retry", story.name, "deploy").code == 5

    def test_where_nothing_failed_the_phases_are_told(self, world: World, story: Story) -> None:
        story.stage("build", "Succeeded", completionTime=LATER).write()
        done = world.run("retry", story.name)
        assert (done.code, "build Succeeded" in done.err) == (5, True)
