"""Objects and their states, for tests of what makes Kubernetes events."""

from __future__ import annotations

from typing import Any

from kabanero.model.kinds.core import CONFIG_MAP, SECRET
from kabanero.model.resource import Resource, ResourceType
from kabanero.sources.kubernetes_objects import Seen, seen

DEPLOYMENT = ResourceType("apps", "v1", "Deployment", "deployments", "deployment")
PIPELINE = ResourceType("tekton.dev", "v1", "Pipeline", "pipelines", "pipeline")
TASK = ResourceType("tekton.dev", "v1", "Task", "tasks", "task")
NODE = ResourceType("", "v1", "Node", "nodes", "node", namespaced=False)
TYPES = {each.kind: each for each in (DEPLOYMENT, PIPELINE, TASK, NODE, CONFIG_MAP, SECRET)}


def thing(kind: str, name: str = "shop", version: int = 1, **more: Any) -> Resource:
    """An object of a kind; `labels`, `annotations`, `generation`, `uid`, `namespace` go into its metadata."""
    type = TYPES[kind]
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}
    metadata |= {"namespace": "app1"} if type.namespaced else {}
    for field in ("labels", "annotations", "generation", "uid", "namespace", "managedFields"):
        if field in more:
            metadata[field] = more.pop(field)
    return {"apiVersion": type.api_version, "kind": kind, "metadata": metadata, **more}


def state(kind: str, name: str = "shop", version: int = 1, **more: Any) -> Seen:
    """The same as it is remembered."""
    return seen(TYPES[kind], thing(kind, name, version, **more))
