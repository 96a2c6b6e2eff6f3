"""A whole strategy on the real runner: parallel stages, a join, an approval, a deployment, and what can go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import runs
from tests.support.runner import Runner, descendants, resource
from tests.support.strategies import binding, chain, marking_project, match, playbook_stage, strategy

FAIL = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Find out
      ansible.builtin.fail:
        msg: the shelf is empty
"""
SLEEP = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Work for long
      ansible.builtin.command: sleep 297
"""


@pytest.fixture(scope="module")
def marks(runner: Runner) -> Path:
    """Playbooks in the project, and the strategies of this module."""
    marks = marking_project(runner.project)
    (runner.project / "fail.yml").write_text(FAIL)
    (runner.project / "sleep.yml").write_text(SLEEP)
    runner.apply(
        *chain("Compile", "Ship"),
        playbook_stage("build"),
        playbook_stage("fvt"),
        playbook_stage("svt"),
        playbook_stage("deploy"),
        playbook_stage("broken", "fail.yml"),
        playbook_stage("long", "sleep.yml"),
        playbook_stage("missing", "nowhere.yml"),
        playbook_stage("cleanup"),
        resource("EmailApprovalStage", "approval", {"message": "Deploy it?"}),
        *strategy(
            "main",
            [
                binding("Build", "PlaybookStage", [match("Start")]),
                binding("FVT", "PlaybookStage", [match("Build", "Success")]),
                binding("SVT", "PlaybookStage", [match("Build", "Success")]),
                binding("Approval", "EmailApprovalStage", [match("FVT", "Success"), match("SVT", "Success")]),
                binding("Deploy", "PlaybookStage", [match("Approval", "Success")]),
            ],
        )[:1],
        *strategy(
            "compensated",
            [
                binding("Broken", "PlaybookStage", [match("Start")]),
                binding("Cleanup", "PlaybookStage", [match("Broken", "Failed")]),
                binding("Deploy", "PlaybookStage", [match("Broken", "Success")]),
            ],
        )[:1],
        *strategy(
            "failing",
            [
                binding("Broken", "PlaybookStage", [match("Start")]),
                binding("Deploy", "PlaybookStage", [match("Broken", "Success")]),
            ],
        )[:1],
        *strategy("lengthy", [binding("Long", "PlaybookStage", [match("Start")])])[:1],
        *strategy("hasty", [binding("Long", "PlaybookStage", [match("Start")], timeout="1s")])[:1],
        *strategy("lacking", [binding("Missing", "PlaybookStage", [match("Start")])])[:1],
        *strategy("patient", [binding("Approval", "EmailApprovalStage", [match("Start")], timeout="500ms")])[:1],
    )
    return marks


@pytest.mark.usefixtures("marks")
class TestMainStrategy:
    """Build, FVT beside SVT, approval, deploy."""

    def test_an_approved_run_succeeds_with_every_stage_done_once(self, runner: Runner, marks: Path) -> None:
        run = runs.start(runner, "main", emit={"name": "Start"})
        approval = runs.waits_on(runner, run, "Approval", "Approval")
        runs.patch(
            runner, "stageruns", approval["metadata"]["name"], {"approval": {"decision": "Approved", "by": "champ"}}
        )
        status = runs.ended(runner, run)["status"]
        assert status["phase"] == "Succeeded"
        done = sorted(line.split()[1] for line in marks.read_text().splitlines() if status["contextID"] in line)
        assert done == ["Build", "Deploy", "FVT", "SVT"]

    def test_a_rejected_run_fails_and_skips_the_deployment(self, runner: Runner) -> None:
        run = runs.start(runner, "main", emit={"name": "Start"})
        approval = runs.waits_on(runner, run, "Approval", "Approval")
        decision = {"decision": "Rejected", "by": "champ", "reason": "not on a Friday"}
        runs.patch(runner, "stageruns", approval["metadata"]["name"], {"approval": decision})
        ended = runs.ended(runner, run)
        assert runs.phases(ended) | {"Build": ""} == {
            "Build": "", "FVT": "Succeeded", "SVT": "Succeeded", "Approval": "Failed", "Deploy": "Skipped",
        }  # fmt: skip
        assert "not on a Friday" in runs.in_phase(runner, run, "Approval", "Failed")["status"]["message"]

    def test_a_rejected_stage_is_retried_and_waits_for_a_decision_of_its_own(self, runner: Runner) -> None:
        run = runs.start(runner, "main", emit={"name": "Start"})
        name = runs.waits_on(runner, run, "Approval", "Approval")["metadata"]["name"]
        runs.patch(runner, "stageruns", name, {"approval": {"decision": "Rejected"}})
        runs.ended(runner, run)
        runs.patch(runner, "stageruns", name, {"attempt": 2, "approval": None})
        runs.waits_on(runner, run, "Approval", "Approval")
        runs.patch(runner, "stageruns", name, {"approval": {"decision": "Approved"}})
        runs.in_phase(runner, run, "Deploy", "Succeeded")
        assert runs.ended(runner, run)["status"]["phase"] == "Succeeded"

    def test_outputs_of_a_stage_reach_the_variables_when_bound(self, runner: Runner) -> None:
        bound = {"output": [{"stageVariable": "image", "strategyVariable": "note"}]}
        stages = [
            binding("Build", "PlaybookStage", [match("Start")], resourceBindings=bound),
            binding("Deploy", "PlaybookStage", [match("Build", "Success")]),
        ]
        runner.apply(*strategy("bound", stages)[:1])
        status = runs.ended(runner, runs.start(runner, "bound", emit={"name": "Start"}))["status"]
        assert status["variables"]["note"] == {"location": f"img-{status['contextID']}"}

    def test_a_failed_stage_is_retried_on_request_and_the_run_goes_on(self, runner: Runner) -> None:
        run = runs.start(runner, "failing", emit={"name": "Start"})
        assert runs.ended(runner, run)["status"]["phase"] == "Failed"
        broken = runs.stage_run(runner, run, "Broken")
        runs.patch(runner, "playbookstages", "broken", {"playbook": "mark.yml"})
        try:
            runs.patch(runner, "stageruns", broken["metadata"]["name"], {"attempt": 2})
            runs.in_phase(runner, run, "Deploy", "Succeeded")
        finally:
            runs.patch(runner, "playbookstages", "broken", {"playbook": "fail.yml"})
        assert runs.ended(runner, run)["status"]["phase"] == "Succeeded"


@pytest.mark.usefixtures("marks")
class TestFailures:
    """Each ends in its own phase with a reason that a person understands."""

    def test_a_failed_playbook_fails_the_run_and_names_task_and_message(self, runner: Runner) -> None:
        run = runs.start(runner, "failing", emit={"name": "Start"})
        assert runs.ended(runner, run)["status"]["phase"] == "Failed"
        assert "the shelf is empty" in runs.in_phase(runner, run, "Broken", "Failed")["status"]["message"]

    def test_a_compensated_failure_ends_as_success(self, runner: Runner) -> None:
        ended = runs.ended(runner, runs.start(runner, "compensated", emit={"name": "Start"}))
        assert ended["status"]["phase"] == "Succeeded"
        assert runs.phases(ended) == {"Broken": "Failed", "Cleanup": "Succeeded", "Deploy": "Skipped"}

    def test_a_playbook_that_is_not_there_is_an_error_of_the_machinery(self, runner: Runner) -> None:
        run = runs.start(runner, "lacking", emit={"name": "Start"})
        runs.ended(runner, run)
        assert runs.in_phase(runner, run, "Missing", "Errored")["status"]["reason"] == "PlaybookNotFound"

    def test_a_strategy_that_is_not_there_is_named_with_what_was_meant(self, runner: Runner) -> None:
        status = runs.ended(runner, runs.start(runner, "mian", emit={"name": "Start"}))["status"]
        assert status["phase"] == "Errored"
        assert "did you mean main?" in status["summary"]

    def test_a_stage_that_takes_too_long_times_out(self, runner: Runner) -> None:
        run = runs.start(runner, "hasty", emit={"name": "Start"})
        runs.ended(runner, run)
        runs.in_phase(runner, run, "Long", "TimedOut")

    def test_an_approval_that_nobody_gives_times_out(self, runner: Runner) -> None:
        run = runs.start(runner, "patient", emit={"name": "Start"})
        runs.ended(runner, run)
        runs.in_phase(runner, run, "Approval", "TimedOut")


def sleepers(runner: Runner) -> list[int]:
    """Processes of the long playbook's command, wherever they hang in the process tree."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command[:2] == [b"sleep", b"297"]:
                found.append(int(entry.name))
    return found


@pytest.mark.usefixtures("marks")
class TestCancelling:
    """Leaves no process behind."""

    def test_cancelling_a_run_ends_its_work(self, runner: Runner) -> None:
        run = runs.start(runner, "lengthy", emit={"name": "Start"})
        runs.wait(lambda: sleepers(runner))
        runs.patch(runner, "strategyruns", run, {"cancel": True, "cancelReason": "wrong branch"})
        assert runs.ended(runner, run)["status"]["phase"] == "Cancelled"
        runs.wait(lambda: not sleepers(runner))

    def test_deleting_a_stage_run_ends_its_work(self, runner: Runner) -> None:
        run = runs.start(runner, "lengthy", emit={"name": "Start"})
        runs.wait(lambda: sleepers(runner))
        name = runs.stage_run(runner, run, "Long")["metadata"]["name"]
        runner.request("DELETE", f"/apis/kabanero.io/v1alpha1/namespaces/kabanero/stageruns/{name}")
        runs.ended(runner, run)
        runs.wait(lambda: not sleepers(runner))

    def test_deleting_a_run_ends_its_work(self, runner: Runner) -> None:
        run = runs.start(runner, "lengthy", emit={"name": "Start"})
        runs.wait(lambda: sleepers(runner))
        runner.request("DELETE", f"/apis/kabanero.io/v1alpha1/namespaces/kabanero/strategyruns/{run}")
        runs.wait(lambda: not sleepers(runner))


def test_a_stopped_runner_leaves_work_running_and_takes_it_up_again(tmp_path: Path) -> None:
    with Runner(tmp_path) as runner:
        (runner.project / "nap.yml").write_text(SLEEP.replace("sleep 297", "sleep 2"))
        runner.apply(playbook_stage("nap", "nap.yml"))
        runner.apply(*strategy("nap", [binding("Nap", "PlaybookStage", [match("Start")])])[:1])
        run = runs.start(runner, "nap", emit={"name": "Start"})
        runs.in_phase(runner, run, "Nap", "Running")
        runner.stop()
        runner.start()
        assert runs.ended(runner, run)["status"]["phase"] == "Succeeded"
        runner.stop()
        assert runner.process and not descendants(runner.process.pid)
