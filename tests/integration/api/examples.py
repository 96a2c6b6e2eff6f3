"""Resources that the tests write."""

from __future__ import annotations

from typing import Any

from tests.support.api_server import GROUP

RUNS = f"{GROUP}/namespaces/default/strategyruns"
STAGE_RUNS = f"{GROUP}/namespaces/default/stageruns"
STAGE_KINDS = f"{GROUP}/namespaces/default/stagekinds"
NAMESPACES = "/api/v1/namespaces"
SECRETS = "/api/v1/namespaces/default/secrets"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = {"content-type": "application/merge-patch+json"}
JSON_PATCH = {"content-type": "application/json-patch+json"}
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
METADATA = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
METADATA_LIST = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}


def run(name: str = "r1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StrategyRun",
        "metadata": {"name": name},
        "spec": {"strategy": "main", **spec},
    }


def stage_run(name: str = "s1", **spec: Any) -> dict[str, Any]:
    given = {
        "stageName": "Approval",
        "stageRef": {"kind": "EmailApprovalStage", "name": "approval"},
        "contextID": "c1",
        "strategy": "main",
        "strategyRun": "r1",
    }
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StageRun",
        "metadata": {"name": name},
        "spec": given | spec,
    }


def stage_kind(name: str = "mpb", **spec: Any) -> dict[str, Any]:
    given = {"kind": "MultiPlatformBuild", "plural": "multiplatformbuilds", "controller": "external"}
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StageKind",
        "metadata": {"name": name},
        "spec": given | spec,
    }


def secret(name: str = "s", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}


def config_map(name: str = "c", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
