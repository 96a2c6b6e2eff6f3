"""Discovery: what groups, versions and kinds there are, in the two forms that clients ask for.

Called by the resource API. Answers are made once per generation of the catalog.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kabanero import __version__
from kabanero.api.catalog import Catalog
from kabanero.model.resource import GROUP, VERSION, ResourceType

# Clients choose features by the version of Kubernetes whose API they meet, not by the product's.
KUBERNETES_VERSION = ("1", "34")
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
STATUS_VERBS = ["get", "patch", "update"]
REVIEW_KINDS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    ("authentication.k8s.io", "selfsubjectreviews"): "SelfSubjectReview",
}
GROUPS: dict[str, str] = {GROUP: VERSION, "authorization.k8s.io": "v1", "authentication.k8s.io": "v1"}


def version() -> dict[str, str]:
    """`/version`."""
    major, minor = KUBERNETES_VERSION
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{major}.{minor}.0+kabanero.{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "CPython",
        "platform": "any",
    }


def api_versions(host: str) -> dict[str, Any]:
    """`/api`."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def api_group_list() -> dict[str, Any]:
    """`/apis`."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(group) for group in GROUPS]}


def api_group(group: str) -> dict[str, Any]:
    """`/apis/GROUP`."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}


def _group(group: str) -> dict[str, Any]:
    version = {"groupVersion": f"{group}/{GROUPS[group]}", "version": GROUPS[group]}
    return {"name": group, "versions": [version], "preferredVersion": version}


def resource_list(catalog: Catalog, group: str, version: str) -> dict[str, Any]:
    """`/api/v1` and `/apis/GROUP/VERSION`."""
    entries = [entry for type in catalog.types(group) for entry in _entries(type)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": entries + [_review(plural, kind) for (of, plural), kind in REVIEW_KINDS.items() if of == group],
    }


def _entries(type: ResourceType) -> Iterable[dict[str, Any]]:
    entry = {
        "name": type.plural,
        "singularName": type.singular,
        "namespaced": type.namespaced,
        "kind": type.kind,
        "verbs": VERBS,
    }
    yield entry | _optional(type)
    if type.has_status:
        yield entry | {"name": f"{type.plural}/status", "singularName": "", "verbs": STATUS_VERBS}


def _optional(type: ResourceType) -> dict[str, Any]:
    lists = {"shortNames": list(type.short_names), "categories": list(type.categories)}
    return {name: values for name, values in lists.items() if values}


def _review(plural: str, kind: str) -> dict[str, Any]:
    return {"name": plural, "singularName": kind.lower(), "namespaced": False, "kind": kind, "verbs": ["create"]}


def aggregated(catalog: Catalog, *, core: bool) -> dict[str, Any]:
    """`/api` (core) and `/apis` in the form that has everything in one answer (apidiscovery.k8s.io/v2)."""
    groups = {"": "v1"} if core else GROUPS
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_aggregated_group(catalog, group, version) for group, version in groups.items()],
    }


def _aggregated_group(catalog: Catalog, group: str, version: str) -> dict[str, Any]:
    resources = [_aggregated_type(type) for type in catalog.types(group)]
    resources += [_aggregated_review(of, plural) for of, plural in REVIEW_KINDS if of == group]
    versions = [{"version": version, "freshness": "Current", "resources": resources}]
    return {"metadata": {"name": group} if group else {}, "versions": versions}


def _aggregated_type(type: ResourceType) -> dict[str, Any]:
    kind = {"group": type.group, "version": type.version, "kind": type.kind}
    status = {"subresource": "status", "responseKind": kind, "verbs": STATUS_VERBS}
    entry = {
        "resource": type.plural,
        "responseKind": kind,
        "scope": "Namespaced" if type.namespaced else "Cluster",
        "singularResource": type.singular,
        "verbs": VERBS,
    }
    return entry | _optional(type) | ({"subresources": [status]} if type.has_status else {})


def _aggregated_review(group: str, plural: str) -> dict[str, Any]:
    kind = REVIEW_KINDS[(group, plural)]
    return {
        "resource": plural,
        "responseKind": {"group": group, "version": "v1", "kind": kind},
        "scope": "Cluster",
        "singularResource": kind.lower(),
        "verbs": ["create"],
    }
