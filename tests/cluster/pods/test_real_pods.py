"""The test bed whose pods run: what the proof of the installation builds on."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.testbed.debian import PACKAGES
from tests.testbed.pipelines import ended, pipeline_run, succeeded, task, task_run
from tests.testbed.processes import NotReadyError, wait_until
from tests.testbed.real import RealCluster
from tests.testbed.tekton import SHELL_IMAGE

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
ASK = (
    "cd /var/run/secrets/kubernetes.io/serviceaccount; wget --no-check-certificate -O - "
    '--header "Authorization: Bearer $(cat token)" '
    "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/default/configmaps"
)


def pod(name: str, image: str, *command: str, account: str = "default") -> dict[str, Any]:
    containers = [{"name": "main", "image": image, "imagePullPolicy": "Never", "command": list(command)}]
    spec = {"restartPolicy": "Never", "serviceAccountName": account, "containers": containers}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def ran(cluster: RealCluster, resource: dict[str, Any]) -> tuple[str, str]:
    """Runs a pod to its end: its phase and its log."""
    cluster.apply(resource)
    name = resource["metadata"]["name"]
    wait_until(lambda: cluster.get("pod", name)["status"]["phase"] in ("Succeeded", "Failed"), name)
    return cluster.get("pod", name)["status"]["phase"], cluster.kubectl("logs", name)


def test_steps_run_and_their_results_reach_later_tasks(real_cluster):
    build = task("build", "expr 6 '*' 7 | tr -d '\\n' > /tekton/results/digest")
    deploy = task("deploy", "echo deploys $(tasks.build.results.digest)")
    run = pipeline_run(build, deploy, results=[{"name": "digest", "value": "$(tasks.build.results.digest)"}])
    real_cluster.apply(run)
    end = ended(real_cluster, run)
    assert (succeeded(end), end["status"]["results"]) == ("True", [{"name": "digest", "value": "42"}])
    name = task_run(real_cluster, run, "deploy")["status"]["podName"]
    assert "deploys 42" in real_cluster.kubectl("logs", name, "--container=step-work")


def test_a_step_that_fails_fails_the_run_with_its_code(real_cluster):
    run = pipeline_run(task("test", "echo broken; exit 3"), task("deploy", after=("test",)))
    real_cluster.apply(run)
    assert succeeded(ended(real_cluster, run)) == "False"
    status = task_run(real_cluster, run, "test")["status"]
    assert status["steps"][0]["terminated"]["exitCode"] == 3
    assert "broken" in real_cluster.kubectl("logs", status["podName"], "--container=step-work")


def test_commands_can_be_run_in_a_running_pod(real_cluster):
    real_cluster.apply(pod("sleeper", SHELL_IMAGE, "sleep", "600"))
    real_cluster.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/sleeper")
    assert real_cluster.kubectl("exec", "sleeper", "--", "hostname") == "sleeper\n"
    real_cluster.kubectl("delete", "pod", "sleeper", "--now")


def test_a_pod_reaches_the_api_server_with_the_rights_of_its_service_account(real_cluster):
    real_cluster.kubectl("create", "serviceaccount", "asker")
    phase, log = ran(real_cluster, pod("asks-in-vain", SHELL_IMAGE, "sh", "-c", ASK, account="asker"))
    assert (phase, "403" in log) == ("Failed", True)
    real_cluster.kubectl("create", "role", "ask", "--verb=list", "--resource=configmaps")
    real_cluster.kubectl("create", "rolebinding", "ask", "--role=ask", "--serviceaccount=default:asker")
    phase, log = ran(real_cluster, pod("asks", SHELL_IMAGE, "sh", "-c", f"({ASK}) 2>/dev/null", account="asker"))
    assert (phase, json.loads(log)["kind"]) == ("Succeeded", "ConfigMapList")


def test_a_folder_becomes_an_image_that_runs(real_cluster, tmp_path):
    shutil.copy(PACKAGES["busybox-static"], tmp_path / "busybox")
    (tmp_path / "words").write_text("from a folder")
    real_cluster.load_image(tmp_path, "docker.io/local/words:1", ["/busybox"])
    phase, log = ran(real_cluster, pod("words", "docker.io/local/words:1", "/busybox", "cat", "/words"))
    assert (phase, log) == ("Succeeded", "from a folder")


def test_a_second_such_cluster_is_refused(real_cluster, tmp_path):
    with pytest.raises(NotReadyError, match="another"):
        RealCluster(tmp_path / "second").start()
