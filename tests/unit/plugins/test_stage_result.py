"""stage_result: what each set of arguments reports, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, connection_loader
from ansible.template import Templar

NAME = "kabanero.events.stage_result"


def play(**arguments: Any) -> dict[str, Any]:
    """What the task's result holds."""
    context, loader = PlayContext(), DataLoader()
    task = Task.load({"action": NAME, "args": arguments})
    plugin = action_loader.get(
        NAME,
        task=task,
        connection=connection_loader.get("ansible.builtin.local", context),
        play_context=context,
        loader=loader,
        templar=Templar(loader),
        shared_loader_obj=None,
    )
    return dict(plugin.run(task_vars={}))


def report(**arguments: Any) -> Any:
    return play(**arguments)["ansible_stats"]["data"]


def test_success_when_nothing_is_said() -> None:
    assert report() == {"kabanero_stage_result": {"status": "Success"}}


def test_the_report_is_a_custom_stat_that_replaces_an_earlier_one() -> None:
    stats = play()["ansible_stats"]
    assert (stats["per_host"], stats["aggregate"]) == (False, False)


def test_outputs_are_reported_as_they_are() -> None:
    outputs = {"image": {"location": "registry/hello:1", "layers": [1, 2]}}
    assert report(outputs=outputs)["kabanero_stage_result"]["outputs"] == outputs


def test_a_failed_stage_leaves_the_playbook_alone() -> None:
    result = play(status="Failed", message="2 tests failed")
    assert "failed" not in result
    assert result["kabanero_stage_result"] == {"status": "Failed", "message": "2 tests failed"}


def test_a_failed_stage_fails_the_task_when_asked_to() -> None:
    result = play(status="Failed", message="2 tests failed", fail_playbook=True)
    assert result["failed"]
    assert result["msg"] == "2 tests failed"
    assert result["kabanero_stage_result"]["status"] == "Failed"


def test_success_does_not_fail_the_task_even_when_failures_should() -> None:
    assert "failed" not in play(status="Success", fail_playbook=True)


def test_waiting_for_leaves_out_what_was_not_given() -> None:
    waiting_for = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": "build-1"}
    assert report(waiting_for=waiting_for)["kabanero_stage_result"]["waiting_for"] == waiting_for


def test_progress_alone_leaves_the_end_open() -> None:
    assert report(progress={"percent": 40}) == {"kabanero_stage_progress": {"percent": 40}}


def test_progress_beside_a_status_is_part_of_the_report() -> None:
    assert report(status="Success", progress={"percent": 100})["kabanero_stage_result"]["progress"] == {"percent": 100}


def test_nothing_counts_as_a_change() -> None:
    assert play()["changed"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"status": "Sucess"}, "must be one of: Success, Failed"),
        ({"outputz": {}}, "Supported parameters include"),
        ({"outputs": "image"}, "outputs"),
        ({"outputs": {"image": None}}, "outputs.image has no value"),
        ({"outputs": {7: "x"}}, "put it in quotes"),
        ({"reason": "two words"}, "one CamelCase word such as TestsFailed"),
        ({"progress": {"percent": 140}}, "goes from 0 to 100"),
        ({"progress": {}}, "one of the following is required: percent, message"),
        ({"links": {"log": "see above"}}, "not a URL"),
        ({"waiting_for": {"kind": "PipelineRun"}}, "apiVersion, name"),
        ({"waiting_for": {"apiVersion": "v1", "kind": "X", "name": "x"}, "status": "Success"}, "leave status out"),
        ({"fail_playbook": True}, "fail_playbook needs a status"),
    ],
)
def test_says_what_is_wrong_and_how_to_mend_it(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleError, match=said.replace(".", r"\.")):
        play(**arguments)


def test_names_every_mistake_at_once() -> None:
    with pytest.raises(AnsibleError) as caught:
        play(reason="two words", links={"log": "x"}, outputs={"image": None})
    assert all(part in str(caught.value) for part in ("reason", "links.log", "outputs.image"))
