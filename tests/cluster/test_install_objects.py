"""What the roles `install` and `configure` put on a cluster, change and take away again; pods only seem to run here."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model import rbac
from kabanero.settings import read_settings

from tests.cluster.install_world import NAMESPACE, Installer
from tests.integration.collection.conftest import Command, ansible, collections  # noqa: F401
from tests.testbed.apiserver import KubectlError
from tests.testbed.cluster import SimulatedCluster

pytestmark = pytest.mark.cluster
IMAGE = "registry.example.com/kabanero-runner:1"
NEXT_IMAGE = "registry.example.com/kabanero-runner:2"
SERVED = ["team-a", "team-b"]
ROUTES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "routes.route.openshift.io"},
    "spec": {
        "group": "route.openshift.io",
        "names": {"kind": "Route", "plural": "routes", "singular": "route", "listKind": "RouteList"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}
"""As on OpenShift, but for what it would refuse."""


@pytest.fixture(scope="module")
def installer(cluster: SimulatedCluster, ansible: Command, collections: Path) -> Iterator[Installer]:  # noqa: F811
    usual = {"image": IMAGE, "wait_seconds": 90, "wait": False}
    made = Installer(cluster, ansible, collections, **usual)
    yield made
    made.install(state="absent", purge=True)
    cluster.load_crds()


@pytest.fixture(scope="module")
def installed(installer: Installer) -> Installer:
    """Installed with nothing but defaults."""
    installer.install(wait=True)
    return installer


def names(installer: Installer, kind: str) -> set[str]:
    return {name.split()[1] for name in installer.objects() if name.startswith(f"{kind} ")}


def secret(installer: Installer, name: str, key: str) -> str:
    return base64.b64decode(installer.get("secret", name)["data"][key]).decode()


def test_in_check_mode_on_an_empty_cluster_it_says_all_and_makes_nothing(
    cluster: SimulatedCluster,
    ansible: Command,  # noqa: F811
    collections: Path,  # noqa: F811
) -> None:
    said = Installer(cluster, ansible, collections).install("--check", "--diff", namespace="elsewhere")
    assert said.changed > 0
    assert "Deployment kabanero-runner would be made" in said.output
    assert "namespace/elsewhere" not in cluster.kubectl("get", "namespaces", "-o", "name").split()


def test_a_second_time_changes_nothing(installed: Installer) -> None:
    before = installed.objects()
    assert installed.install().changed == 0
    assert installed.objects() == before


def test_check_and_diff_show_what_an_upgrade_would_change_and_change_nothing(installed: Installer) -> None:
    before = installed.objects()
    said = installed.install("--check", "--diff", image=NEXT_IMAGE, settings={"logLevel": "debug"})
    told = [line for line in said.output.splitlines() if "kabanero-runner:" in line and line.startswith(("+", "-"))]
    assert [(line[0], IMAGE in line, NEXT_IMAGE in line) for line in told] == [("-", True, False), ("+", False, True)]
    assert said.changed > 0
    assert installed.objects() == before
    [container] = installed.get("deployment", "kabanero-runner")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE


def test_secrets_are_made_up_once_kept_and_never_shown(installed: Installer) -> None:
    before = secret(installed, "kabanero-webhook", "secret"), secret(installed, "kabanero-runner-tokens", "token")
    said = installed.install("--diff", "-vvv")
    assert (
        secret(installed, "kabanero-webhook", "secret"),
        secret(installed, "kabanero-runner-tokens", "token"),
    ) == before
    assert min(map(len, before)) >= 40
    for value in before:
        assert value not in said.output
        assert base64.b64encode(value.encode()).decode() not in said.output


def test_a_secret_that_is_given_replaces_the_one_that_was_made_up(installed: Installer) -> None:
    installed.install(webhook_secret="chosen-by-a-person")
    assert secret(installed, "kabanero-webhook", "secret") == "chosen-by-a-person"
    installed.install()
    assert secret(installed, "kabanero-webhook", "secret") == "chosen-by-a-person"


def test_a_changed_setting_reaches_the_runner_by_new_pods(installed: Installer) -> None:
    before = {pod["metadata"]["name"] for pod in installed.pods()}
    installed.install(settings={"logLevel": "debug"}, wait=True)
    settings = installed.get("configmap", "kabanero-runner-settings")["data"]["kabanero.yaml"]
    assert "logLevel: debug" in settings
    assert not before & {pod["metadata"]["name"] for pod in living(installed)}
    installed.install()


def living(installer: Installer) -> list[Any]:
    return [pod for pod in installer.pods() if not pod["metadata"].get("deletionTimestamp")]


def test_where_it_serves_some_namespaces_it_has_rights_there_only(installed: Installer) -> None:
    for name in SERVED:
        installed.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert names(installed, "ClusterRoleBinding") == {*rbac.CLUSTER_ROLES, rbac.REVIEWS}
    installed.install(namespaces=SERVED)
    assert names(installed, "ClusterRoleBinding") == {rbac.REVIEWS}
    for name in SERVED:
        bindings = installed.cluster.list("rolebindings", name)
        assert {each["roleRef"]["name"] for each in bindings} == set(rbac.CLUSTER_ROLES)
    installed.install()
    assert names(installed, "ClusterRoleBinding") == {*rbac.CLUSTER_ROLES, rbac.REVIEWS}
    assert [each for name in SERVED for each in installed.cluster.list("rolebindings", name)] == []


def test_what_triggers_watch_is_added_to_its_rights_and_nothing_else(installed: Installer) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:{rbac.ACCOUNT}"
    installed.install(watched_rules=[{"apiGroups": ["apps"], "resources": ["deployments"]}])
    assert installed.cluster.kubectl("auth", "can-i", "watch", "deployments", account).strip() == "yes"
    with pytest.raises(KubectlError) as refused:
        installed.cluster.kubectl("auth", "can-i", "delete", "deployments", account)
    assert refused.value.stdout.strip() == "no"
    installed.install()
    assert not installed.there("clusterrole", "kabanero-watched")


def test_an_ingress_leads_to_the_webhook_only_and_goes_when_it_is_not_wanted(installed: Installer) -> None:
    installed.install(exposure="ingress", host="hooks.example.com", tls_secret="hooks-tls", ingress_class="inside")
    spec = installed.get("ingress", "kabanero-webhook")["spec"]
    assert (spec["tls"], spec["ingressClassName"]) == (
        [{"hosts": ["hooks.example.com"], "secretName": "hooks-tls"}],
        "inside",
    )
    [rule] = spec["rules"]
    [path] = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("hooks.example.com", "/webhook", "Exact")
    assert path["backend"]["service"] == {"name": "kabanero-webhook", "port": {"name": "http"}}
    installed.install()
    assert not installed.there("ingress", "kabanero-webhook")


def test_an_ingress_without_a_host_is_refused_before_anything_is_changed(installed: Installer) -> None:
    before = installed.objects()
    refused = installed.attempt("install", exposure="ingress")
    assert refused.code != 0
    assert "install_exposure: ingress needs install_host" in refused.output
    assert installed.objects() == before


def test_a_route_leads_to_the_webhook_only_and_goes_when_it_is_not_wanted(installed: Installer) -> None:
    installed.cluster.apply(ROUTES)
    installed.cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/routes.route.openshift.io")
    try:
        installed.install(exposure="route", host="hooks.example.com")
        spec = installed.get("route", "kabanero-webhook")["spec"]
        assert (spec["host"], spec["path"], spec["to"]["name"]) == ("hooks.example.com", "/webhook", "kabanero-webhook")
        assert spec["tls"] == {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
        assert installed.install(exposure="route", host="hooks.example.com").changed == 0
        installed.install()
        assert not installed.there("route", "kabanero-webhook")
    finally:
        installed.cluster.kubectl("delete", "crd", "routes.route.openshift.io")


def test_pods_that_do_not_come_up_end_the_play_with_the_reason(installed: Installer) -> None:
    try:
        failed = installed.attempt("install", node_selector={"disk": "none"}, wait_seconds=6, wait=True)
        assert failed.code != 0
        assert "The runner is not ready after 6 s." in failed.output
        assert "didn't match Pod's node affinity/selector" in failed.output
    finally:
        installed.install()


def test_one_replica_has_no_disruption_budget_and_several_have(installed: Installer) -> None:
    assert installed.there("poddisruptionbudget", "kabanero-runner")
    installed.install(replicas=1, wait=True)
    assert not installed.there("poddisruptionbudget", "kabanero-runner")
    assert len(living(installed)) == 1
    installed.install()


def test_configured_twice_changes_nothing_and_what_is_no_longer_named_goes(installed: Installer) -> None:
    filters = {"allowedNamespaces": ["app1*"], "disallowedNamespaces": ["kube-*"]}
    wanted = {"sources": [{"name": "shop", "url": "https://github.com/acme/shop", "secret": "s"}], "wait": False}
    wanted |= {"event_filter": filters, "sample": True}
    said = installed.configure("--check", "--diff", **wanted)
    assert said.changed > 0 and not installed.there("githubeventsource", "shop")
    installed.configure(**wanted)
    assert installed.get("githubeventsource", "shop")["spec"]["webhookSecret"]["name"] == "shop-webhook"
    assert installed.get("configmap", "kabanero.kubernetes.api.event.filter")["data"]["allowedNamespaces"] == "app1*"
    assert "hello.yml" in installed.get("configmap", "kabanero-playbooks")["data"]
    assert installed.there("strategydefinition", "hello")
    assert installed.configure(**wanted).changed == 0
    installed.configure(state="absent", **wanted)
    for kind, name in (("githubeventsource", "shop"), ("secret", "shop-webhook"), ("strategydefinition", "hello")):
        assert not installed.there(kind, name)
    assert installed.configure(state="absent", **wanted).changed == 0


def test_settings_that_are_installed_are_settings_of_the_runner(installed: Installer, tmp_path: Path) -> None:
    text = installed.get("configmap", "kabanero-runner-settings")["data"]["kabanero.yaml"]
    file = tmp_path / "kabanero.yaml"
    file.write_text(text.replace("/project", str(tmp_path)))
    settings = read_settings(file, {})
    assert (settings.store, str(settings.data_dir), settings.kubernetes.drain) == ("kubernetes", "/data", 300)


def test_a_namespace_that_is_being_deleted_is_refused_before_anything_is_made(
    cluster: SimulatedCluster,
    ansible: Command,  # noqa: F811
    collections: Path,  # noqa: F811
) -> None:
    held = {"name": "leaving", "namespace": "leaving", "finalizers": ["example.com/held"]}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "leaving"}})
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    cluster.kubectl("delete", "namespace", "leaving", "--wait=false")
    try:
        refused = Installer(cluster, ansible, collections).attempt("install", namespace="leaving")
        assert refused.code != 0
        assert "namespace leaving is being deleted" in refused.output
    finally:
        cluster.kubectl(
            "patch", "configmap", "leaving", "-n", "leaving", "--type=merge", '-p={"metadata": {"finalizers": []}}'
        )
