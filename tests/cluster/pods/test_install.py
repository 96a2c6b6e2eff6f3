"""The runner in pods that really run, put there by the collection: its image, its rights, a push, a pipeline, an
upgrade under way, and its removal.

Services have no proxy on this test bed: requests to one go through the API server to one of its pods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model import rbac

from tests.cluster.install_world import NAMESPACE, Installer
from tests.cluster.stage_world import pipeline, step_task
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.integration.collection.conftest import Command, ansible, collections  # noqa: F401
from tests.support.runner import SECRET, resource
from tests.support.strategies import binding, match
from tests.testbed.apiserver import KubectlError
from tests.testbed.fixtures import IMAGE
from tests.testbed.processes import wait_until
from tests.testbed.real import RealCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
NEXT_IMAGE = IMAGE.replace(":1", ":2")
ANYBODY = 1000690000
"""Clusters may choose the user; nobody of that number is known in the image."""
SECURITY = {"runAsNonRoot": True, "runAsUser": ANYBODY, "seccompProfile": {"type": "RuntimeDefault"}}
SOURCE = {"name": "shop", "url": "https://github.com/acme/shop"}
ROLL_OUT = Path(__file__).parent / "roll-out.yml"
CONFIGURED = {
    "sources": [SOURCE],
    "playbooks": {"roll-out.yml": f"{{{{ lookup('ansible.builtin.file', '{ROLL_OUT}') }}}}"},
}
SIGN = "echo registry/shop@$(echo $(params.source-revision) | sha256sum | cut -c1-8) > /tekton/results/image"
VARIABLES = {"location": "${event.location}", "branch": "${event.branch}", "commit": "${event.commit}"}


class Installed(RunnerBesideApiServer):
    """The runner that was installed: pushes reach it through its Service."""

    def __init__(self, folder: Path, server: RealCluster, installer: Installer) -> None:
        super().__init__(folder, server)
        self.installer = installer

    def pushed(self, **how: Any) -> dict[str, Any]:
        """Sends a push; the run that it starts."""
        known = {run["metadata"]["name"] for run in self.runs()}
        with self.installer.reached("kabanero-webhook", 80) as self.url:
            assert self.push(**how) == 202
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [run for run in self.runs() if run["metadata"]["name"] not in known]
            return bool(found)

        wait_until(look, "a run of the push")
        [run] = found
        return run

    def ended(self, run: dict[str, Any]) -> dict[str, Any]:
        """The same run when it has ended."""
        name = run["metadata"]["name"]
        wait_until(lambda: self._get(name).get("status", {}).get("completionTime"), f"the end of {name}", 180)
        return self._get(name)

    def stage_runs(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for each in self.list("stageruns") if each["spec"]["strategyRun"] == run["metadata"]["name"]]

    def told(self, run: dict[str, Any]) -> list[str]:
        """What its stages say."""
        return [f"{each['spec']['stageName']}: {each.get('status')}" for each in self.stage_runs(run)]

    def _get(self, name: str) -> dict[str, Any]:
        return dict(self.server.get("strategyrun", name, NAMESPACE))


def strategy(seconds: int = 0) -> list[dict[str, Any]]:
    """Tekton builds what was pushed; a playbook of one's own deploys it."""
    step = step_task("compile", f"sleep {seconds}; {SIGN}", results={"image": ""})
    step["taskSpec"]["params"] = [{"name": "source-revision"}]
    step["params"] = [{"name": "source-revision", "value": "$(params.source-revision)"}]
    results = [{"name": "image", "value": "$(tasks.compile.results.image)"}]
    built = pipeline("build", step, params=[{"name": "source-revision"}, {"name": "source-url"}], results=results)
    source, image = {"name": "source", "type": "github"}, {"name": "image", "type": "image"}
    to_build = {"input": bound(source="src_repo"), "output": bound(image="app")}
    to_deploy = {"input": bound(image="app"), "output": bound(deployed="note")}
    bindings = [
        binding("Build", "TektonStage", [match("Start")], resourceBindings=to_build),
        binding("Deploy", "PlaybookStage", [match("Build", "Success")], resourceBindings=to_deploy),
    ]
    variables = [{"name": "src_repo", "type": "github"}, {"name": "app", "type": "image"}, {"name": "note"}]
    emitted = {"match": {"eventName": "Push"}, "variableBindings": [{"name": "src_repo", **VARIABLES}]}
    declared = {"input": [source], "output": [image]}
    shown = {"input": [image], "output": [{"name": "deployed"}]}
    return [
        built,
        resource("TektonStage", "build", {"pipelineName": "build", "resources": declared}),
        resource("PlaybookStage", "deploy", {"playbook": "roll-out.yml", "resources": shown}),
        resource("StrategyDefinition", "ship", {"strategyVariables": variables, "stageBindings": bindings}),
        resource("StrategyTrigger", "ship", {"strategy": "ship", "events": [emitted | {"emit": {"name": "Start"}}]}),
    ]


def bound(**names: str) -> list[dict[str, str]]:
    return [{"stageVariable": stage, "strategyVariable": variable} for stage, variable in names.items()]


@pytest.fixture(scope="module")
def installer(real_cluster: RealCluster, runner_image: Path, ansible: Command, collections: Path) -> Installer:  # noqa: F811
    real_cluster.import_image(runner_image)
    assert real_cluster.ctr("images", "tag", IMAGE, NEXT_IMAGE).returncode == 0
    usual = {"image_pull_policy": "Never", "pod_security_context": SECURITY, "webhook_secret": SECRET}
    return Installer(real_cluster, ansible, collections, wait_seconds=240, drain_seconds=60, **usual)


@pytest.fixture(scope="module")
def installed(installer: Installer) -> Iterator[Installer]:
    """Installed and configured, by the two playbooks."""
    installer.install(image=IMAGE)
    installer.configure(**CONFIGURED)
    yield installer
    installer.install(state="absent", purge=True)
    installer.cluster.load_crds()
    installer.cluster.kubectl("delete", "namespace", NAMESPACE)


@pytest.fixture
def runner(installed: Installer, real_cluster: RealCluster, tmp_path: Path) -> Iterator[Installed]:
    runner = Installed(tmp_path, real_cluster, installed)
    yield runner
    kinds = "strategytriggers,strategyruns,stageruns,strategydefinitions,pipelineruns.tekton.dev"
    real_cluster.kubectl("delete", kinds, "--all", "-n", NAMESPACE)


def test_a_signed_push_is_built_by_steps_that_run_and_deployed_by_a_playbook(runner: Installed) -> None:
    runner.apply(*strategy())
    run = runner.ended(runner.pushed(commit="c0ffee"))
    assert run["status"]["phase"] == "Succeeded", runner.told(run)
    digest = hashlib.sha256(b"c0ffee\n").hexdigest()
    made = f"registry/shop@{digest[:8]}"
    assert run["status"]["variables"]["app"]["location"] == made
    assert run["status"]["variables"]["note"] == f"{made} is deployed"


def test_it_runs_as_its_own_account_with_its_rights_and_no_others(installed: Installer) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:{rbac.ACCOUNT}"
    assert {pod["spec"]["serviceAccountName"] for pod in installed.pods()} == {rbac.ACCOUNT}
    on_cluster = {each["metadata"]["name"]: each.get("rules") for each in rbac.roles()}
    for name, rules in on_cluster.items():
        assert (installed.get("clusterrole", name).get("rules") or []) == rules
    for verb, kind in (("create", "deployments"), ("delete", "secrets"), ("create", "pods"), ("get", "nodes")):
        with pytest.raises(KubectlError) as refused:
            installed.cluster.kubectl("auth", "can-i", verb, kind, account)
        assert refused.value.stdout.strip() == "no"


def test_nothing_was_refused_to_it_and_no_secret_is_in_its_logs(runner: Installed) -> None:
    runner.apply(*strategy())
    runner.ended(runner.pushed())
    for pod in runner.installer.pods():
        log = runner.server.kubectl("logs", pod["metadata"]["name"], "-n", NAMESPACE)
        assert "ready http" in log
        assert " may not " not in log
        assert SECRET not in log


def test_it_needs_neither_root_nor_a_writable_image(installed: Installer) -> None:
    pod = installed.pods()[0]["metadata"]["name"]
    script = "id -u; touch /opt/kabanero/mark /etc/mark || echo read-only; test -w /data && echo data"
    said = installed.cluster.kubectl("exec", pod, "-n", NAMESPACE, "--", "sh", "-c", script)
    assert said.split() == [str(ANYBODY), "read-only", "data"]


def test_a_second_time_changes_nothing(installed: Installer) -> None:
    before = installed.objects()
    assert installed.install(image=IMAGE).changed == 0
    assert installed.configure(**CONFIGURED).changed == 0
    assert installed.objects() == before


def test_an_upgrade_during_a_run_loses_nothing_of_it_and_does_nothing_twice(runner: Installed) -> None:
    runner.apply(*strategy(seconds=12))
    before = {pod["metadata"]["name"] for pod in runner.installer.pods()}
    first = runner.pushed(commit="c0ffee")
    second = runner.pushed(commit="c0ffee2")
    try:
        done = runner.installer.install(image=NEXT_IMAGE, settings={"logLevel": "debug"})
        assert done.changed > 0
        pods = [pod for pod in runner.installer.pods() if not pod["metadata"].get("deletionTimestamp")]
        assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {NEXT_IMAGE}
        assert not before & {pod["metadata"]["name"] for pod in pods}
        for run in (first, second):
            end = runner.ended(run)
            assert end["status"]["phase"] == "Succeeded", runner.told(run)
            assert [each["status"]["attempt"] for each in runner.stage_runs(run)] == [1, 1]
        assert len(runner.list("pipelineruns")) == 2
    finally:
        runner.installer.install(image=IMAGE)


def test_removed_it_leaves_what_people_wrote_and_purged_it_leaves_nothing(runner: Installed) -> None:
    """Even where a run is under way and nobody is left who would take its finalizers away."""
    installer = runner.installer
    runner.apply(*strategy(seconds=600))
    run = runner.pushed()
    wait_until(lambda: runner.list("pipelineruns"), "a pipeline that runs")
    try:
        installer.install(state="absent")
        assert installer.pods() == []
        assert set(installer.objects()) == {"Secret kabanero-webhook"}
        assert runner._get(run["metadata"]["name"])["status"]["phase"] == "Running"
        installer.install(state="absent", purge=True)
        assert installer.objects() == {}
        assert "kabanero.io" not in installer.cluster.kubectl("get", "crds", "-o", "name")
        assert installer.install(state="absent", purge=True).changed == 0
    finally:
        installer.install(image=IMAGE)
        installer.configure(**CONFIGURED)
