"""Who may do what on a cluster: the rights of the runner, one role per concern, and of people. Pure.

`config/rbac/` is made from here by `make docs`; a test runs a strategy with exactly these rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kabanero.model.kinds.registry import KINDS, QUEUED_EVENT, STAGE_RUN, STRATEGY_EVENT, STRATEGY_RUN
from kabanero.model.resource import GROUP, Resource

NAMESPACE = "kabanero"
ACCOUNT = "kabanero-runner"
API = "rbac.authorization.k8s.io"
LOOK = ("get", "list", "watch")
CHANGE = ("create", "update", "patch", "delete", "deletecollection")
WATCHED_LABEL = f"{GROUP}/aggregate-to-watched"
CLUSTER_ROLES = (ACCOUNT, f"{ACCOUNT}-secrets", f"{ACCOUNT}-tekton", f"{ACCOUNT}-watched")
"""What the runner needs in each namespace that it serves."""
REVIEWS, REACH = f"{ACCOUNT}-reviews", f"{ACCOUNT}-reach"
SERVICE = f"{ACCOUNT}:http"
"""The Service in front of the runner's API, as the API server's proxy names it."""

Rule = dict[str, Any]


def files() -> dict[str, tuple[str, list[Resource]]]:
    """The resources of each file by its name, with what the file is for."""
    return {
        "runner.yaml": ("What the runner may do; each role is one concern.", roles()),
        "cluster-wide.yaml": ("The runner serves every namespace.", cluster_wide()),
        "own.yaml": ("What the runner has for itself: account, events, leases, the way to it.", own(NAMESPACE)),
        "people.yaml": ("Who may view or edit a namespace may do so with strategies too.", people()),
    }


def roles() -> list[Resource]:
    """The cluster roles of the runner."""
    return [
        _cluster_role(ACCOUNT, _kinds()),
        _cluster_role(f"{ACCOUNT}-secrets", [_rule("", ["secrets"], LOOK)]),
        _cluster_role(f"{ACCOUNT}-tekton", _tekton()),
        _aggregated(f"{ACCOUNT}-watched", WATCHED_LABEL),
    ]


def _kinds() -> list[Rule]:
    """All of our group may be read, since a StageKind may declare a kind that nobody can know here.

    Playbooks of stages act as the runner, and may send events.
    """
    return [
        _rule(GROUP, ["*"], LOOK),
        _rule(GROUP, ["*/status"], ["update", "patch"]),
        _rule(GROUP, [STRATEGY_RUN.type.plural], ["create", "delete"]),
        _rule(GROUP, [STAGE_RUN.type.plural], ["create", "update"]),
        _rule(GROUP, [STRATEGY_EVENT.type.plural], ["create", "delete"]),
        _rule("", ["events"], ["create"]),
    ]


def _tekton() -> list[Rule]:
    """For TektonStages: the playbook starts the run, the runner watches it, and tells of the step that failed."""
    return [
        _rule("tekton.dev", ["pipelineruns"], [*LOOK, "create", "update", "patch"]),
        _rule("tekton.dev", ["taskruns", "pipelines", "tasks"], LOOK),
        _rule("", ["pods/log"], ["get"]),
    ]


def own(namespace: str) -> list[Resource]:
    """The account, and its rights in its own namespace."""
    name = f"{ACCOUNT}-own"
    rules = [
        _rule(GROUP, [QUEUED_EVENT.type.plural], [*LOOK, "create", "delete"]),
        _rule(GROUP, [f"{QUEUED_EVENT.type.plural}/status"], ["patch"]),
        _rule("coordination.k8s.io", ["leases"], ["get", "list", "create", "update", "delete"]),
        _rule("", ["configmaps"], [*LOOK, "create", "update", "patch", "delete"]),
        _rule("", ["events"], ["create"]),
    ]
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": ACCOUNT, "namespace": namespace},
    }
    return [
        account,
        _role(name, namespace, rules),
        binding(name, namespace, namespace, kind="Role"),
        _cluster_role(REVIEWS, _reviews()),
        binding(REVIEWS, "", namespace),
        _role(REACH, namespace, _reach()),
        {**binding(REACH, namespace, namespace, kind="Role"), "subjects": [_EVERYBODY]},
    ]


_EVERYBODY = {"apiGroup": API, "kind": "Group", "name": "system:authenticated"}


def _reviews() -> list[Rule]:
    """Whoever asks the runner shows a token of the API server's, which says whose it is and what they may."""
    return [
        _rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
        _rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    ]


def _reach() -> list[Rule]:
    """Who has a login may knock at the runner's Service; what they may there is asked for each request."""
    names = [SERVICE, f"https:{SERVICE}"]
    return [{**_rule("", ["services/proxy"], ["get", "create"]), "resourceNames": names}]


def cluster_wide(account_namespace: str = NAMESPACE) -> list[Resource]:
    """Binds the runner's roles in all namespaces."""
    return [binding(name, "", account_namespace) for name in CLUSTER_ROLES]


def in_namespace(namespace: str, account_namespace: str = NAMESPACE) -> list[Resource]:
    """Binds them in one namespace: with `kubernetes.namespaces` the runner needs no more."""
    return [binding(name, namespace, account_namespace) for name in CLUSTER_ROLES]


def people() -> list[Resource]:
    """Added by Kubernetes itself to its roles `view`, `edit` and `admin`.

    QueuedEvents are in the runner's namespace only: who may view that one may list events, who may edit it replay them.
    """
    plurals = [kind.type.plural for kind in KINDS]
    events, logs = QUEUED_EVENT.type.plural, f"{STAGE_RUN.type.plural}/log"
    view = _cluster_role("kabanero-view", [_rule(GROUP, [*plurals, events], LOOK), _rule(GROUP, [logs], ["get"])])
    replay = _rule(GROUP, [f"{events}/status"], ["patch"])
    edit = _cluster_role("kabanero-edit", [_rule(GROUP, plurals, CHANGE), replay])
    view["metadata"]["labels"] = {f"{API}/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")}
    edit["metadata"]["labels"] = {f"{API}/aggregate-to-{role}": "true" for role in ("edit", "admin")}
    return [view, edit]


def binding(name: str, namespace: str, account_namespace: str, *, kind: str = "ClusterRole") -> Resource:
    """Gives the runner's account a role; an empty namespace means everywhere."""
    where = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": f"{API}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, **where},
        "roleRef": {"apiGroup": API, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": account_namespace}],
    }


def _role(name: str, namespace: str, rules: list[Rule]) -> Resource:
    about = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{API}/v1", "kind": "Role", "metadata": about, "rules": rules}


def _cluster_role(name: str, rules: list[Rule]) -> Resource:
    return {"apiVersion": f"{API}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}


def _aggregated(name: str, label: str) -> Resource:
    """Kinds that triggers watch are the cluster's own affair: whoever labels a role so lets the runner watch them."""
    role = _cluster_role(name, [])
    return {**role, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]}}


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
