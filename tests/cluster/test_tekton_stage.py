"""A TektonStage on a real API server with a real Tekton: what its playbook makes, and how the stage ends."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kabanero.controllers.awaiting import Awaiting
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Key, Resource

from tests.cluster.stage_world import SLOW, SOURCE, StageWorld, pipeline, step_task
from tests.support.collection import ROOT, collections_path
from tests.support.playing import play_tasks
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.cluster
BUILD = pipeline(
    "build",
    step_task("compile", results={"url": "registry/shop:1", "digest": "sha256:ab"}),
    params=[
        {"name": "source-url"},
        {"name": "source_revision"},
        {"name": "image"},
        {"name": "flavour", "default": "x"},
    ],
    workspaces=[{"name": "work"}],
    results=[
        {"name": "image-url", "value": "$(tasks.compile.results.url)"},
        {"name": "image-digest", "value": "$(tasks.compile.results.digest)"},
    ],
)
SPEC = {
    "pipelineName": "build",
    "resources": {"input": [{"name": "source", "type": "github"}], "output": [{"name": "image", "type": "image"}]},
    "workspaces": [{"name": "work", "emptyDir": {}}],
}
BOUND: dict[str, Any] = {"inputs": {"source": SOURCE}, "outputs": {"image": {"location": "registry/shop"}}}


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collections_path(tmp_path_factory.mktemp("collections"))


@pytest.fixture
def world(cluster: SimulatedCluster, collections: Path, tmp_path: Path) -> Iterator[StageWorld]:
    name = f"stages-{uuid.uuid4().hex[:8]}"
    make_namespace(cluster, name)
    yield StageWorld(cluster, name, tmp_path, collections)
    for kind in ("stageruns", "pipelineruns"):
        cluster.kubectl("delete", kind, "--all", f"--namespace={name}", "--wait=false")


def make_namespace(cluster: SimulatedCluster, name: str) -> None:
    """With the account that its pods have; a controller makes it a moment later."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    wait_until(lambda: cluster.list("serviceaccounts", name), f"the account of {name}")


# --- what is made ---


async def test_inputs_become_params_and_results_become_outputs(world: StageWorld) -> None:
    world.apply(BUILD)
    begun = await world.begin(SPEC, **BOUND)
    report = world.play(begun)
    end = await world.end(begun, report)
    assert (end.phase, end.reason) == (StagePhase.SUCCEEDED, "Succeeded"), end.message
    assert end.outputs == {"image": {"location": "registry/shop:1", "digest": "sha256:ab"}}
    (run,) = world.pipeline_runs()
    assert run["spec"]["params"] == [
        {"name": "source-url", "value": SOURCE["location"]},
        {"name": "source_revision", "value": "c0ffee"},
        {"name": "image", "value": "registry/shop"},
    ]


async def test_the_pipeline_run_says_whose_it_is(world: StageWorld) -> None:
    world.apply(BUILD)
    begun = await world.begin(SPEC, **BOUND)
    report = world.play(begun)
    (run,) = world.pipeline_runs()
    labels, metadata = run["metadata"]["labels"], begun.stage_run["metadata"]
    assert report["waiting_for"]["name"] == run["metadata"]["name"]
    assert labels["kabanero.io/context-id"] == begun.stage_run["spec"]["contextID"]
    assert (labels["kabanero.io/strategy"], labels["kabanero.io/strategy-run"]) == ("main", "main-1")
    assert run["metadata"]["annotations"]["kabanero.io/stage"] == "Build it"
    (owner,) = run["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("StageRun", metadata["name"], metadata["uid"])


async def test_playing_it_twice_makes_one_pipeline_run(world: StageWorld) -> None:
    world.apply(BUILD)
    begun = await world.begin(SPEC, **BOUND)
    first = world.play(begun)
    assert world.play(begun) == first
    assert "changed=0" in begun.output
    assert len(world.pipeline_runs()) == 1


async def test_the_next_attempt_has_a_pipeline_run_of_its_own(world: StageWorld) -> None:
    world.apply(BUILD)
    begun = await world.begin(SPEC, **BOUND)
    first = world.play(begun)
    begun.more = {"stage_attempt": 2}
    assert world.play(begun)["waiting_for"]["name"] != first["waiting_for"]["name"]


async def test_check_mode_asks_the_server_and_makes_nothing(world: StageWorld) -> None:
    world.apply(BUILD)
    begun = await world.begin(SPEC, **BOUND)
    assert world.play(begun, "--check", "--diff")["waiting_for"]["kind"] == "PipelineRun"
    assert "changed=1" in begun.output and "+" in begun.output
    assert world.pipeline_runs() == []


async def test_a_template_in_an_input_is_never_evaluated(world: StageWorld) -> None:
    world.apply(BUILD)
    hostile = {**SOURCE, "commit": "{{ lookup('pipe', 'id') }}", "location": "$(params.flavour)"}
    world.play(await world.begin(SPEC, inputs={"source": hostile}, outputs=BOUND["outputs"]))
    (run,) = world.pipeline_runs()
    assert run["spec"]["params"][1]["value"] == hostile["commit"]


async def test_a_pipeline_of_another_namespace_runs_there(world: StageWorld) -> None:
    elsewhere = f"{world.namespace}-builds"
    make_namespace(world.cluster, elsewhere)
    world.apply(BUILD, namespace=elsewhere)
    begun = await world.begin({**SPEC, "pipelineNamespace": elsewhere}, **BOUND)
    report = world.play(begun)
    (run,) = world.pipeline_runs(elsewhere)
    assert "ownerReferences" not in run["metadata"]
    assert (await world.end(begun, report)).phase is StagePhase.SUCCEEDED


async def test_deleting_the_stage_run_deletes_the_pipeline_run(world: StageWorld) -> None:
    world.apply(pipeline("build", SLOW))
    begun = await world.begin({"pipelineName": "build"})
    world.play(begun)
    world.cluster.kubectl("delete", "stagerun", begun.name, f"--namespace={world.namespace}")
    wait_until(lambda: world.pipeline_runs() == [], "the end of the PipelineRun")


# --- what is refused ---


async def refused(world: StageWorld, spec: dict[str, Any], **options: Any) -> tuple[str, str]:
    """Reason and message with which the stage ends without a PipelineRun."""
    kubeconfig = options.pop("kubeconfig", None)
    begun = await world.begin(spec, **{**BOUND, **options})
    report = world.play(begun, kubeconfig=kubeconfig)
    assert report["status"] == "Errored", report
    return report["reason"], report["message"]


async def test_a_pipeline_that_is_missing_is_named_with_a_near_one(world: StageWorld) -> None:
    world.apply(BUILD)
    reason, message = await refused(world, {**SPEC, "pipelineName": "biuld"})
    assert reason == "PipelineNotFound"
    assert message == f"there is no Pipeline biuld in namespace {world.namespace}; did you mean build?"


async def test_params_that_nothing_gives_are_named(world: StageWorld) -> None:
    world.apply(BUILD)
    reason, message = await refused(world, SPEC, inputs={"sources": SOURCE})
    assert reason == "ParamsMissing"
    assert "source-url (there is sources-url)" in message


async def test_a_param_that_the_pipeline_does_not_have_is_refused(world: StageWorld) -> None:
    world.apply(BUILD)
    reason, message = await refused(world, {**SPEC, "params": {"flavor": "vanilla"}})
    assert (reason, "did you mean flavour?" in message) == ("ParamUnknown", True)


async def test_a_field_that_tekton_does_not_know_is_refused(world: StageWorld) -> None:
    world.apply(BUILD)
    reason, message = await refused(world, {**SPEC, "timeouts": {"pipelin": "1h"}})
    assert reason == "BadRequest"
    assert 'unknown field "spec.timeouts.pipelin"' in message


async def test_what_admission_refuses_ends_with_its_own_words(world: StageWorld) -> None:
    world.apply(BUILD)
    policy = f"no-{world.namespace}"
    rule = {"apiGroups": ["tekton.dev"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pipelineruns"]}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}
    denial = {"expression": "false", "message": "no pipelines on Fridays"}
    about = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": policy}}
    world.cluster.apply(
        {
            **about,
            "kind": "ValidatingAdmissionPolicy",
            "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [denial]},
        },
        {
            **about,
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {"policyName": policy, "validationActions": ["Deny"], "matchResources": here},
        },
    )
    place = ("-n", world.namespace, "--dry-run=server", "-f", "-")
    probe = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "a"}}
    text = yaml.safe_dump({**probe, "spec": {"pipelineRef": {"name": "build"}}})
    wait_until(lambda: not _allowed(world.cluster, place, text), "the policy")
    reason, message = await refused(world, SPEC)
    assert reason == "Invalid"
    assert "no pipelines on Fridays" in message


def _allowed(cluster: SimulatedCluster, place: tuple[str, ...], text: str) -> bool:
    try:
        cluster.kubectl("create", *place, stdin=text)
    except Exception:
        return False
    return True


async def test_who_may_not_make_pipeline_runs_is_told_so(world: StageWorld) -> None:
    world.apply(BUILD)
    kubeconfig = world.cluster.service_account(world.namespace, "nobody")
    reason, message = await refused(world, SPEC, kubeconfig=kubeconfig)
    assert reason == "Forbidden"
    assert 'cannot get resource "pipelines"' in message


async def test_a_name_that_is_taken_by_somebody_else_is_not_taken_over(world: StageWorld) -> None:
    world.apply(BUILD)
    begun = await world.begin(SPEC, **BOUND)
    name = world.play(begun, "--check")["waiting_for"]["name"]
    run = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": name}}
    world.apply({**run, "spec": {"pipelineRef": {"name": "build"}}})
    report = world.play(begun)
    assert (report["status"], report["reason"]) == ("Errored", "PipelineRunTaken")


async def test_an_api_server_that_is_away_for_a_while_is_waited_for(world: StageWorld) -> None:
    world.apply(BUILD)
    begun = await world.begin(SPEC, **BOUND)
    world.cluster.kill_apiserver()
    back = threading.Timer(3, world.cluster.start_apiserver)
    back.start()
    try:
        report = world.play(begun)
    finally:
        back.join()
    assert (await world.end(begun, report)).phase is StagePhase.SUCCEEDED


# --- how it ends ---


async def test_a_failed_step_is_named_with_its_code_and_links(world: StageWorld) -> None:
    world.apply(pipeline("build", step_task("compile", exit_code=3)))
    begun = await world.begin({"pipelineName": "build"})
    end = await world.end(begun, world.play(begun))
    assert (end.phase, end.reason) == (StagePhase.FAILED, "Failed")
    assert "task compile failed in step work with exit code 3 (StepFailed)" in end.message
    assert "(no log of step-work in pod" in end.message
    links = begun.stage_run["status"]["links"]
    assert set(links) == {"PipelineRun", "TaskRun", "Pod", "Log"}
    for link in ("PipelineRun", "TaskRun", "Pod"):
        world.cluster.kubectl("get", "--raw", links[link])


async def test_a_task_that_is_missing_is_no_failure_of_the_work(world: StageWorld) -> None:
    world.apply(pipeline("build", {"name": "compile", "taskRef": {"name": "nowhere"}}))
    begun = await world.begin({"pipelineName": "build"})
    end = await world.end(begun, world.play(begun))
    assert (end.phase, end.reason) == (StagePhase.ERRORED, "CouldntGetTask")
    assert '"nowhere" not found' in end.message


async def test_tekton_ends_what_takes_longer_than_the_stage_may(world: StageWorld) -> None:
    world.apply(pipeline("build", SLOW))
    begun = await world.begin({"pipelineName": "build"}, stage_timeout=2)
    end = await world.end(begun, world.play(begun))
    assert (end.phase, end.reason) == (StagePhase.TIMED_OUT, "PipelineRunTimeout")


async def test_cancelling_runs_the_finally_tasks_and_ends_cancelled(world: StageWorld) -> None:
    world.apply(pipeline("build", SLOW, **{"finally": [step_task("clean")]}))
    begun = await world.begin({"pipelineName": "build"})

    async def cancel(awaiting: Awaiting, stage_run: Resource) -> None:
        await until_tasks_run(world)
        assert await awaiting.stop(stage_run)

    end = await world.end(begun, world.play(begun), cancel)
    assert (end.phase, end.reason) == (StagePhase.CANCELLED, "Cancelled")
    (run,) = world.pipeline_runs()
    assert {each["pipelineTaskName"] for each in run["status"]["childReferences"]} == {"wait", "clean"}


async def until_tasks_run(world: StageWorld) -> None:
    while not any(run.get("status", {}).get("childReferences") for run in world.pipeline_runs()):
        await asyncio.sleep(0.1)


async def test_people_see_how_far_it_is(world: StageWorld) -> None:
    first = step_task("compile")
    world.apply(pipeline("build", first, {**SLOW, "runAfter": ["compile"]}))
    begun = await world.begin({"pipelineName": "build"})
    shown: list[Any] = []

    async def look(awaiting: Awaiting, stage_run: Resource) -> None:
        async with world.store() as (store, _):
            while not (shown and shown[-1].get("done")):
                now = await store.get(Key(STAGE_RUN.type, world.namespace, begun.name))
                shown.append(now["status"].get("progress") or {})
                await asyncio.sleep(0.1)
        await awaiting.stop(stage_run)

    await world.end(begun, world.play(begun), look)
    assert shown[-1] == {"task": "wait", "done": 1, "percent": 50, "message": "1 of 2 tasks are done"}


def test_the_documentations_examples_run_as_printed(
    cluster: SimulatedCluster, collections: Path, tmp_path: Path
) -> None:
    text = (ROOT / "plugins" / "modules" / "tekton_pipeline_run.py").read_text()
    examples = yaml.safe_load(text.split('EXAMPLES = r"""', 1)[1].split('"""', 1)[0])
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kabanero"}})
    cluster.apply({**BUILD, "metadata": {"name": "build", "namespace": "kabanero"}})
    done = play_tasks(examples, collections, tmp_path, K8S_AUTH_KUBECONFIG=str(cluster.kubeconfig))
    assert done.returncode == 0, done.stdout + done.stderr
    names = {run["metadata"]["name"] for run in cluster.list("pipelineruns", "kabanero")}
    assert "deploy-by-hand" in names and len(names) == 2
    cluster.kubectl("delete", "pipelineruns", "--all", "--namespace=kabanero", "--wait=false")
