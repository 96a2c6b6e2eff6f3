"""What a playbook tells of itself while it works and at its end, by stage_result, is seen in its StageRun."""

from __future__ import annotations

from typing import Any

from tests.support import runs
from tests.support.runner import Runner
from tests.support.strategies import binding, match, playbook_stage, strategy

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Say how far it is
      kabanero.events.stage_result:
        progress: {percent: 40, message: half of the tests}
    - name: Wait for the test
      ansible.builtin.wait_for:
        path: "{{ playbook_dir }}/go"
        sleep: 1
    - name: Report
      kabanero.events.stage_result:
        links: {report: "https://ci.example.com/7"}
"""


def test_progress_and_links_that_a_playbook_tells_of_are_in_its_stage_run(runner: Runner) -> None:
    (runner.project / "tell.yml").write_text(PLAYBOOK)
    runner.apply(
        playbook_stage("tell", "tell.yml"), *strategy("telling", [binding("Tell", "PlaybookStage", [match("Go")])])
    )
    run = runs.start(runner, "telling", emit={"name": "Go"})

    def told() -> Any:
        progress = runs.stage_run(runner, run, "Tell")["status"].get("progress") or {}
        return progress if progress.get("percent") else None

    progress = runs.wait(told)
    (runner.project / "go").touch()
    assert runs.ended(runner, run)["status"]["phase"] == "Succeeded"
    links = runs.wait(lambda: runs.stage_run(runner, run, "Tell")["status"].get("links"))
    assert (progress["message"], links) == ("half of the tests", {"report": "https://ci.example.com/7"})
