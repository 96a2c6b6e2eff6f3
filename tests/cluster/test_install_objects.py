"""What the roles `install` and `configure` put on a cluster, change and take away again; pods only seem to run here."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kabanero.model import rbac
from kabanero.settings import read_settings

from tests.cluster.install_world import KINDS, NAMESPACE, Installer, Played
from tests.integration.collection.conftest import Command, ansible, collections  # noqa: F401
from tests.testbed.apiserver import KubectlError
from tests.testbed.cluster import SimulatedCluster

pytestmark = pytest.mark.cluster
IMAGE = "registry.example.com/kabanero-runner:1"
NEXT_IMAGE = "registry.example.com/kabanero-runner:2"
SERVED = ["team-a", "team-b"]
HOST = "hooks.example.com"
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


class Seen:
    """What was on the cluster after a play."""

    def __init__(self, installer: Installer) -> None:
        there = json.loads(installer.cluster.kubectl("get", f"{KINDS},routes", "-A", "-o=json"))["items"]
        self.objects = {(each["kind"], _place(each)): each for each in there}
        self.pods = [pod for pod in installer.pods() if not pod["metadata"].get("deletionTimestamp")]
        self._may = {verb: _may(installer, verb) for verb in ("watch", "delete")}

    def get(self, kind: str, name: str) -> Any:
        """The object of the runner's namespace, or of none; None: it was not there."""
        return self.objects.get((kind, f"{NAMESPACE}/{name}")) or self.objects.get((kind, name))

    def bound(self, namespace: str = "") -> set[str]:
        """The roles that are bound to the runner, there or everywhere."""
        kind, begins = ("RoleBinding", f"{namespace}/") if namespace else ("ClusterRoleBinding", "")
        chosen = {place: each for (which, place), each in self.objects.items() if which == kind}
        return {each["roleRef"]["name"] for place, each in chosen.items() if place.startswith(begins) and _ours(each)}

    def may(self, verb: str) -> bool:
        """Whether the runner was permitted that with all Deployments."""
        return self._may[verb]


def _place(found: dict[str, Any]) -> str:
    metadata = found["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}".lstrip("/")


def _ours(binding: dict[str, Any]) -> bool:
    return any(each["name"] == rbac.ACCOUNT for each in binding.get("subjects", ()))


def _may(installer: Installer, verb: str) -> bool:
    account = f"--as=system:serviceaccount:{NAMESPACE}:{rbac.ACCOUNT}"
    try:
        return "yes" in installer.cluster.kubectl("auth", "can-i", verb, "deployments", account)
    except KubectlError as refused:
        assert refused.stdout.strip() == "no", refused
        return False


@dataclass
class Changes:
    """One installation, changed twice and changed back; each play takes long, so each changes several things."""

    before: Seen
    some: Seen
    others: Seen
    others_again: Played
    after: Seen


@pytest.fixture(scope="module")
def changes(installed: Installer) -> Changes:
    for name in SERVED:
        installed.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    installed.cluster.apply(ROUTES)
    installed.cluster.wait_established(ROUTES)
    try:
        before = Seen(installed)
        ingress = {"exposure": "ingress", "host": HOST, "tls_secret": "hooks-tls", "ingress_class": "inside"}
        pods = {"replicas": 1, "settings": {"logLevel": "debug"}, "wait": True}
        installed.install(webhook_secret="chosen-by-a-person", namespaces=SERVED, **ingress, **pods)
        some = Seen(installed)
        rules = [{"apiGroups": ["apps"], "resources": ["deployments"]}]
        installed.install(exposure="route", host=HOST, watched_rules=rules)
        others = Seen(installed)
        again = installed.install(exposure="route", host=HOST, watched_rules=rules)
        installed.install()
        after = Seen(installed)
        made_up = json.dumps({"data": before.get("Secret", "kabanero-webhook")["data"]})
        installed.cluster.kubectl("patch", "secret", "kabanero-webhook", "-n", NAMESPACE, "-p", made_up)
        return Changes(before, some, others, again, after)
    finally:
        installed.cluster.kubectl("delete", "crd", ROUTES["metadata"]["name"])


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


def test_a_secret_that_is_given_replaces_the_one_that_was_made_up_and_stays(changes: Changes) -> None:
    given = base64.b64encode(b"chosen-by-a-person").decode()
    secrets = [seen.get("Secret", "kabanero-webhook")["data"]["secret"] for seen in (changes.some, changes.after)]
    assert secrets == [given, given]
    assert changes.before.get("Secret", "kabanero-webhook")["data"]["secret"] != given


def test_a_changed_setting_reaches_the_runner_by_new_pods(changes: Changes) -> None:
    settings = changes.some.get("ConfigMap", "kabanero-runner-settings")["data"]["kabanero.yaml"]
    assert "logLevel: debug" in settings
    before, after = ({pod["metadata"]["name"] for pod in seen.pods} for seen in (changes.before, changes.some))
    assert after and not before & after


def test_where_it_serves_some_namespaces_it_has_rights_there_only(changes: Changes) -> None:
    everywhere, some = {*rbac.CLUSTER_ROLES, rbac.REVIEWS}, set(rbac.CLUSTER_ROLES)
    assert [changes.before.bound(), changes.some.bound(), changes.after.bound()] == [
        everywhere,
        {rbac.REVIEWS},
        everywhere,
    ]
    assert [changes.some.bound(name) for name in SERVED] == [some, some]
    assert [changes.after.bound(name) for name in SERVED] == [set(), set()]


def test_what_triggers_watch_is_added_to_its_rights_and_nothing_else(changes: Changes) -> None:
    assert (changes.others.may("watch"), changes.others.may("delete")) == (True, False)
    assert changes.others.get("ClusterRole", "kabanero-watched")
    assert changes.after.get("ClusterRole", "kabanero-watched") is None
    assert not changes.after.may("watch")


def test_an_ingress_leads_to_the_webhook_only_and_goes_when_it_is_not_wanted(changes: Changes) -> None:
    spec = changes.some.get("Ingress", "kabanero-webhook")["spec"]
    assert (spec["tls"], spec["ingressClassName"]) == ([{"hosts": [HOST], "secretName": "hooks-tls"}], "inside")
    [rule] = spec["rules"]
    [path] = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == (HOST, "/webhook", "Exact")
    assert path["backend"]["service"] == {"name": "kabanero-webhook", "port": {"name": "http"}}
    assert changes.others.get("Ingress", "kabanero-webhook") is None


def test_a_route_leads_to_the_webhook_only_and_goes_when_it_is_not_wanted(changes: Changes) -> None:
    spec = changes.others.get("Route", "kabanero-webhook")["spec"]
    assert (spec["host"], spec["path"], spec["to"]["name"]) == (HOST, "/webhook", "kabanero-webhook")
    assert spec["tls"] == {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
    assert changes.others_again.changed == 0
    assert changes.after.get("Route", "kabanero-webhook") is None


def test_one_replica_has_no_disruption_budget_and_several_have(changes: Changes) -> None:
    assert changes.before.get("PodDisruptionBudget", "kabanero-runner")
    assert changes.some.get("PodDisruptionBudget", "kabanero-runner") is None
    assert len(changes.some.pods) == 1
    assert changes.after.get("PodDisruptionBudget", "kabanero-runner")


def test_an_ingress_without_a_host_is_refused_before_anything_is_changed(installed: Installer) -> None:
    before = installed.objects()
    refused = installed.attempt("install", exposure="ingress")
    assert refused.code != 0
    assert "install_exposure: ingress needs install_host" in refused.output
    assert installed.objects() == before


def test_pods_that_do_not_come_up_end_the_play_with_the_reason(installed: Installer) -> None:
    try:
        failed = installed.attempt("install", node_selector={"disk": "none"}, wait_seconds=6, wait=True)
        assert failed.code != 0
        assert "The runner is not ready after 6 s." in failed.output
        assert "didn't match Pod's node affinity/selector" in failed.output
    finally:
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
