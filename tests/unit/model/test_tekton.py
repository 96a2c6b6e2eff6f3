"""What is read from Tekton's objects: ends, progress, failures and results."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.tekton import failed_steps, is_run, links, progress, verdict
from kabanero.model.tekton_results import outputs

ENDED = "2026-11-24T08:00:00Z"


def pipeline_run(truth: str, reason: str = "", message: str = "", **status: Any) -> dict[str, Any]:
    said = {"type": "Succeeded", "status": truth, "reason": reason, "message": message}
    whole = {"conditions": [said], "completionTime": ENDED, **status}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": "build-1", "namespace": "kabanero"},
        "status": {key: value for key, value in whole.items() if value is not None},
    }


def task_run(task: str, reason: str, *, ended: str = ENDED, exit_code: int | None = 1) -> dict[str, Any]:
    status: dict[str, Any] = {
        "conditions": [{"type": "Succeeded", "status": "False", "reason": reason, "message": f"{task} broke"}],
        "completionTime": ended,
    }
    if exit_code is not None:
        good = {"name": "fetch", "container": "step-fetch", "terminated": {"exitCode": 0}}
        bad = {"name": "make", "container": "step-make", "terminated": {"exitCode": exit_code}}
        status |= {"podName": f"build-1-{task}-pod", "steps": [good, bad]}
    labels = {"tekton.dev/pipelineTask": task}
    return {"metadata": {"name": f"build-1-{task}", "namespace": "kabanero", "labels": labels}, "status": status}


CHILDREN = [{"name": "build-1-a", "pipelineTaskName": "a"}]


@pytest.mark.parametrize(
    ("truth", "reason", "children", "phase"),
    [
        ("True", "Succeeded", CHILDREN, StagePhase.SUCCEEDED),
        ("True", "Completed", CHILDREN, StagePhase.SUCCEEDED),
        ("False", "Failed", CHILDREN, StagePhase.FAILED),
        ("False", "SomethingOfNextYear", CHILDREN, StagePhase.FAILED),
        ("False", "SomethingOfNextYear", None, StagePhase.ERRORED),
        ("False", "Cancelled", CHILDREN, StagePhase.CANCELLED),
        ("False", "CancelledRunFinally", CHILDREN, StagePhase.CANCELLED),
        ("False", "StoppedRunFinally", CHILDREN, StagePhase.CANCELLED),
        ("False", "PipelineRunTimeout", CHILDREN, StagePhase.TIMED_OUT),
        ("False", "CouldntGetPipeline", None, StagePhase.ERRORED),
        ("False", "CouldntGetTask", CHILDREN, StagePhase.ERRORED),
        ("False", "ParameterMissing", None, StagePhase.ERRORED),
        ("False", "InvalidWorkspaceBindings", None, StagePhase.ERRORED),
        ("False", "PipelineValidationFailed", None, StagePhase.ERRORED),
    ],
)
def test_the_condition_and_its_reason_tell_the_phase(
    truth: str, reason: str, children: list[Any] | None, phase: StagePhase
) -> None:
    end = verdict(pipeline_run(truth, reason, "so it was", childReferences=children))
    assert end
    assert (end.phase, end.reason, end.message) == (phase, reason, "so it was")


@pytest.mark.parametrize(
    "run",
    [
        {"metadata": {"name": "a"}},
        pipeline_run("Unknown", "Running", completionTime=None),
        pipeline_run("False", "CancelledRunningFinally", completionTime=None),
    ],
    ids=["no status", "running", "finally still running"],
)
def test_a_run_without_condition_or_completion_time_goes_on(run: dict[str, Any]) -> None:
    assert verdict(run) is None


def test_only_tektons_own_runs_are_runs() -> None:
    assert is_run("tekton.dev/v1", "PipelineRun") and is_run("tekton.dev/v1beta1", "TaskRun")
    assert not is_run("tekton.dev/v1", "Pipeline") and not is_run("batch/v1", "PipelineRun")


def test_progress_counts_what_ended_and_what_was_skipped() -> None:
    message = "Tasks Completed: 3 (Failed: 1, Cancelled 0), Incomplete: 4, Skipped: 1"
    done = progress(pipeline_run("Unknown", "Running", message, childReferences=CHILDREN))
    assert done
    assert (done.done, done.total, done.percent, done.task) == (4, 8, 50, "a")


def test_progress_in_other_words_is_no_progress() -> None:
    assert progress(pipeline_run("Unknown", "Running", "Not all Tasks have completed")) is None


def test_the_first_task_to_fail_is_told_first() -> None:
    later = task_run("test", "Failed", ended="2026-11-24T08:00:09Z")
    steps = failed_steps([later, task_run("build", "StepFailed", exit_code=3)])
    assert [step.task for step in steps] == ["build", "test"]
    assert steps[0].told() == "task build failed in step make with exit code 3 (StepFailed): build broke"


def test_a_task_that_was_only_cancelled_is_not_the_failure() -> None:
    cancelled = task_run("lint", "TaskRunCancelled", ended="2026-11-24T07:00:00Z")
    assert [step.task for step in failed_steps([cancelled, task_run("build", "Failed")])] == ["build"]


def test_a_task_that_never_ran_a_step_has_none() -> None:
    (step,) = failed_steps([task_run("build", "TaskRunImagePullFailed", exit_code=None)])
    assert (step.step, step.exit_code) == ("", None)
    assert step.told() == "task build failed (TaskRunImagePullFailed): build broke"


def test_links_lead_to_run_task_pod_and_log() -> None:
    (step,) = failed_steps([task_run("build", "Failed")])
    place = "namespaces/kabanero"
    assert links(pipeline_run("False", "Failed"), step) == {
        "PipelineRun": f"/apis/tekton.dev/v1/{place}/pipelineruns/build-1",
        "TaskRun": f"/apis/tekton.dev/v1/{place}/taskruns/build-1-build",
        "Pod": f"/api/v1/{place}/pods/build-1-build-pod",
        "Log": f"/api/v1/{place}/pods/build-1-build-pod/log?container=step-make",
    }


# --- results ---


def made(given: dict[str, Any], *output: tuple[str, str], **spec: Any) -> dict[str, Any]:
    run = pipeline_run("True", results=[{"name": name, "value": value} for name, value in given.items()])
    declared = [{"name": name, "type": type} for name, type in output]
    return outputs(run, {"resources": {"output": declared}, **spec})


def test_a_result_sets_the_output_of_its_name() -> None:
    assert made({"version": "1.4.0\n"}, ("version", "string")) == {"version": "1.4.0"}
    assert made({"app-version": "1"}, ("app_version", "string")) == {"app_version": "1"}


def test_an_image_gets_its_location_and_digest() -> None:
    results = {"image-url": "registry/shop:1", "image-digest": "sha256:ab"}
    expected = {"location": "registry/shop:1", "digest": "sha256:ab"}
    assert made(results, ("image", "image")) == {"image": expected}
    assert made({"IMAGE_URL": "registry/shop:1", "imageDigest": "sha256:ab"}, ("image", "docker")) == {
        "image": expected
    }


def test_a_single_text_is_an_images_location() -> None:
    assert made({"image": "registry/shop:1"}, ("image", "image")) == {"image": {"location": "registry/shop:1"}}


def test_an_object_gives_an_image_its_fields() -> None:
    results = {"image": {"url": "registry/shop:1", "digest": "sha256:ab"}}
    assert made(results, ("image", "image"))["image"] == {"location": "registry/shop:1", "digest": "sha256:ab"}


def test_fields_in_any_order_come_together() -> None:
    results = {"image-digest": "sha256:ab", "image": "registry/shop:1"}
    assert made(results, ("image", "image"))["image"] == {"location": "registry/shop:1", "digest": "sha256:ab"}


def test_the_catalogs_names_mean_the_only_image() -> None:
    results = {"IMAGE_URL": "registry/shop:1", "IMAGE_DIGEST": "sha256:ab"}
    expected = {"location": "registry/shop:1", "digest": "sha256:ab"}
    assert made(results, ("app", "image"), ("tests", "string")) == {"app": expected}


def test_the_catalogs_names_are_left_alone_where_they_could_mean_two() -> None:
    results = {"IMAGE_URL": "registry/shop:1"}
    assert made(results, ("amd64", "image"), ("s390x", "image")) == results


def test_the_longer_output_wins() -> None:
    results = {"image-base-url": "registry/base", "image-url": "registry/app"}
    found = made(results, ("image", "image"), ("image_base", "image"))
    assert found == {"image_base": {"location": "registry/base"}, "image": {"location": "registry/app"}}


def test_a_repository_gets_its_commit() -> None:
    assert made({"source-revision": "c0ffee"}, ("source", "github")) == {"source": {"commit": "c0ffee"}}


def test_a_binding_counts_before_the_name() -> None:
    binding = {"result": "url", "output": "image", "field": "location"}
    found = made({"url": "registry/shop:1", "other": "x"}, ("image", "image"), results=[binding])
    assert found == {"image": {"location": "registry/shop:1"}, "other": "x"}


def test_lists_and_maps_stay_what_they_are() -> None:
    results = {"platforms": ["amd64", "s390x"], "digests": {"amd64": "sha256:ab"}}
    assert made(results, ("platforms", "list")) == results


@pytest.mark.parametrize("name", ["images", "imagination"])
def test_a_name_that_only_begins_alike_is_another_name(name: str) -> None:
    assert made({name: "x"}, ("image", "image")) == {name: "x"}
