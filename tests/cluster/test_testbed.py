"""The test bed itself: what other tests of the cluster build on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.apiserver import CRDS, ApiServer, KubectlError
from tests.testbed.cluster import outcome
from tests.testbed.pipelines import ended, pipeline_run, succeeded, task, task_run
from tests.testbed.processes import Processes, birth, wait_until

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).parents[2]


def config_map(name: str, **metadata: Any) -> dict[str, Any]:
    place = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": place | metadata}


def watch(server: ApiServer, version: str) -> Any:
    """The first event of a watch on ConfigMaps from a resourceVersion."""
    url = f"{server.url}/api/v1/namespaces/default/configmaps?watch=1&resourceVersion={version}&timeoutSeconds=5"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {server.token}"})
    with urllib.request.urlopen(request, context=server.tls(), timeout=20) as answer:
        return json.loads(answer.readline())


def test_the_api_server_is_the_version_that_we_name(apiserver):
    assert json.loads(apiserver.kubectl("get", "--raw", "/version"))["gitVersion"] == "v1.34.4"


def test_the_definitions_of_the_project_are_established(apiserver):
    served = apiserver.kubectl("api-resources", "--api-group=kabanero.io", "--output=name").split()
    assert {f"{definition.stem}.kabanero.io" for definition in CRDS.glob("*.yaml")} <= set(served)


def test_a_service_account_may_only_what_a_role_says(apiserver):
    kubeconfig = apiserver.service_account("rights", "reader")
    with pytest.raises(KubectlError, match='cannot list resource "configmaps"'):
        apiserver.kubectl("get", "configmaps", kubeconfig=kubeconfig)
    apiserver.kubectl("create", "role", "read", "--verb=list", "--resource=configmaps", "--namespace=rights")
    apiserver.kubectl("create", "rolebinding", "read", "--role=read", "--serviceaccount=rights:reader", "-n", "rights")
    apiserver.kubectl("get", "configmaps", kubeconfig=kubeconfig)
    with pytest.raises(KubectlError, match='cannot list resource "secrets"'):
        apiserver.kubectl("get", "secrets", kubeconfig=kubeconfig)


def test_a_client_certificate_names_user_and_groups(apiserver):
    who = apiserver.kubectl("auth", "whoami", "-o", "json", kubeconfig=apiserver.user("ann", "people"))
    info = json.loads(who)["status"]["userInfo"]
    assert (info["username"], info["groups"]) == ("ann", ["people", "system:authenticated"])


def test_a_killed_api_server_comes_back_with_its_data(apiserver):
    apiserver.apply(config_map("kept"))
    before = apiserver.get("configmap", "kept")
    apiserver.kill_apiserver()
    with pytest.raises(urllib.error.URLError):
        watch(apiserver, "0")
    apiserver.start_apiserver()
    assert apiserver.get("configmap", "kept") == before


def test_a_watch_from_before_the_forgotten_history_is_answered_410(apiserver):
    apiserver.apply(config_map("old"))
    version = apiserver.get("configmap", "old")["metadata"]["resourceVersion"]
    apiserver.apply(config_map("old", labels={"a": "b"}))
    assert watch(apiserver, version)["type"] == "MODIFIED"
    apiserver.apply(config_map("newer"))
    apiserver.forget_history()
    assert watch(apiserver, version)["object"]["code"] == 410


def test_a_pipeline_run_of_two_tasks_succeeds_with_the_results_that_its_annotations_name(cluster):
    built = task("build", annotations=outcome(results={"digest": "sha256:c0ffee"}))
    results = [{"name": "digest", "value": "$(tasks.build.results.digest)"}]
    run = pipeline_run(built, task("deploy", after=("build",)), results=results)
    cluster.apply(run)
    end = ended(cluster, run)
    assert (succeeded(end), end["status"]["results"]) == ("True", [{"name": "digest", "value": "sha256:c0ffee"}])


def test_a_pipeline_run_fails_as_its_annotations_say(cluster):
    run = pipeline_run(task("build"), task("test", annotations=outcome(exit_code=137, reason="OOMKilled")))
    cluster.apply(run)
    assert succeeded(ended(cluster, run)) == "False"
    [step] = task_run(cluster, run, "test")["status"]["steps"]
    assert (step["terminated"]["exitCode"], step["terminated"]["reason"]) == (137, "OOMKilled")


def test_a_long_pipeline_run_can_be_cancelled(cluster):
    run = pipeline_run(task("build", annotations=outcome(duration="1h")))
    cluster.apply(run)
    name = run["metadata"]["name"]
    label = f"--selector=tekton.dev/pipelineRun={name}"
    wait_until(lambda: "Running" in cluster.kubectl("get", "pod", label), "the pod")
    cluster.kubectl("patch", "pipelinerun", name, "--type=merge", '--patch={"spec":{"status":"CancelledRunFinally"}}')
    assert ended(cluster, run)["status"]["conditions"][0]["reason"] == "Cancelled"


def test_a_deleted_pipeline_run_takes_its_task_runs_and_pods_with_it(cluster):
    run = pipeline_run(task("build"))
    cluster.apply(run)
    ended(cluster, run)
    name = run["metadata"]["name"]
    left = ("get", "taskruns,pods", f"--selector=tekton.dev/pipelineRun={name}", "--output=name")
    assert len(cluster.kubectl(*left).split()) == 2
    cluster.kubectl("delete", "pipelinerun", name)
    wait_until(lambda: not cluster.kubectl(*left), "the garbage collection")


def test_what_no_owner_has_any_more_is_collected(cluster):
    cluster.apply(config_map("owner"))
    uid = cluster.get("configmap", "owner")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    cluster.apply(config_map("owned", ownerReferences=[owner]))
    cluster.kubectl("delete", "configmap", "owner")
    gone = ("get", "configmap", "owned", "--ignore-not-found")
    wait_until(lambda: not cluster.kubectl(*gone), "the garbage collection")


def test_a_pipeline_run_waits_for_a_stopped_tekton_and_ends_after_its_start(cluster):
    cluster.tekton.stop()
    run = pipeline_run(task("build"))
    cluster.apply(run)
    assert "status" not in cluster.get("pipelinerun", run["metadata"]["name"])
    cluster.tekton.start()
    assert succeeded(ended(cluster, run)) == "True"


def test_nothing_is_left_of_a_test_bed_whose_starter_was_killed(tmp_path, apiserver):
    script = (
        "import sys, pathlib, tests.testbed.ending as e, tests.testbed.apiserver as a\n"
        "with e.ended_with_us(pathlib.Path(sys.argv[1])):\n"
        "    a.ApiServer(pathlib.Path(sys.argv[1])).start(); print('up', flush=True); sys.stdin.read()\n"
    )
    folder = tmp_path / "bed"
    command = [sys.executable, "-c", script, folder]
    starter = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert starter.stdout and starter.stdout.readline() == "up\n"
    processes = Processes(folder)
    pids = [processes.pid(name) for name in processes.names()]
    assert len(pids) == 2
    starter.kill()
    starter.communicate()
    wait_until(lambda: not folder.exists(), "the end of the test bed")
    assert not any(birth(pid) for pid in pids)


def test_a_cluster_that_is_up_says_how_to_reach_it(tmp_path, apiserver):
    state = tmp_path / "state"
    testbed = [sys.executable, "-m", "tests.testbed"]
    place = ["--kind", "apiserver", "--state", str(state)]
    up = subprocess.run([*testbed, "up", *place], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120)
    try:
        config = yaml.safe_load(Path(up.stdout.split("KUBECONFIG=")[1].strip()).read_text())
        again = subprocess.run([*testbed, "up", *place], cwd=ROOT, capture_output=True, text=True, check=False)
        status = subprocess.run([*testbed, "status", *place], cwd=ROOT, check=True, capture_output=True, text=True)
    finally:
        subprocess.run([*testbed, "down", *place], cwd=ROOT, check=True)
    assert config["clusters"][0]["cluster"]["server"] in up.stdout
    assert "is in use" in again.stderr
    assert {"etcd", "kube-apiserver"} <= {line.split(":")[0] for line in status.stdout.splitlines()}
    assert not state.exists()


def test_a_folder_that_is_no_cluster_is_not_ended(tmp_path):
    (tmp_path / "mine").touch()
    command = [sys.executable, "-m", "tests.testbed", "down", "--state", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "no folder of a cluster" in done.stderr) == (1, True)
    assert (tmp_path / "mine").exists()


def test_a_part_that_the_environment_names_goes_first(tmp_path, monkeypatch):
    from tests.testbed import parts

    mine = tmp_path / "etcd"
    mine.touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert parts.find("etcd") == mine
    monkeypatch.setenv("TEST_ASSET_ETCD", os.devnull)
    assert parts.find("etcd") == mine
