"""The `paths` of the OpenAPI documents: which operations there are on each kind and what they take.

kubectl asks here whether the server knows `dryRun` and `fieldValidation`, and which kind a URL is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kabanero.model.resource import ResourceType

Document = dict[str, Any]
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_PATCHES = ("application/merge-patch+json", "application/json-patch+json")
_CORE_PATCHES = (*_PATCHES, "application/strategic-merge-patch+json")
_WRITING = {
    "dryRun": "All: the answer is made and checked, nothing is stored.",
    "fieldManager": "Who writes.",
    "fieldValidation": "Strict: unknown and duplicate fields are errors; Warn (the default) or Ignore.",
}
_LISTING = {
    "labelSelector": "Selects by labels.",
    "fieldSelector": "Selects by fields.",
    "continue": "Token of the next page.",
    "resourceVersion": "Version from which a watch goes on.",
    "resourceVersionMatch": "How resourceVersion is meant.",
}
_COUNTS = {"limit": "Objects on a page.", "timeoutSeconds": "How long a watch lasts."}
_FLAGS = {"watch": "Answer with changes as they come.", "allowWatchBookmarks": "Send versions in between."}
_DELETING = {
    "dryRun": "All: nothing is deleted.",
    "propagationPolicy": "Background, Foreground or Orphan.",
}


@dataclass(frozen=True, slots=True)
class Style:
    """What differs between the two versions of OpenAPI."""

    swagger: bool

    def reference(self, name: str, description: str = "") -> Document:
        """Refers to a definition, with a description of its own when one is given."""
        if self.swagger:
            return {"$ref": f"#/definitions/{name}"} | ({"description": description} if description else {})
        target = {"$ref": f"#/components/schemas/{name}"}
        return {"allOf": [target], "default": {}, "description": description} if description else target

    def parameter(self, name: str, place: str, type: str, description: str) -> Document:
        """One parameter in the URL."""
        about: Document = {"name": name, "in": place, "description": description}
        if place == "path":
            about["required"] = True
        unique = {"uniqueItems": True}
        return about | ({"type": type} | unique if self.swagger else {"schema": {"type": type} | unique})

    def body(self, name: str, types: Iterable[str]) -> Document:
        """What a request carries, as `parameters` or `requestBody`; merged into the operation."""
        if self.swagger:
            content = {"name": "body", "in": "body", "required": True, "schema": self.reference(name)}
            return {"consumes": list(types), "parameters": [content]}
        return {
            "requestBody": {"required": True, "content": {type: {"schema": self.reference(name)} for type in types}}
        }

    def answers(self, name: str) -> Document:
        """The good answer; failures are a Status and need no mention."""
        schema = {"schema": self.reference(name)}
        content = schema if self.swagger else {"content": {"application/json": schema}}
        return {"responses": {"200": {"description": "OK"} | content}}


V2 = Style(swagger=True)
V3 = Style(swagger=False)


def paths_of(types: Iterable[tuple[ResourceType, str]], style: Style) -> Document:
    """All paths of these types, each given with the name of its definition."""
    paths: Document = {}
    for type, name in types:
        base = f"/apis/{type.group}/{type.version}" if type.group else f"/api/{type.version}"
        place = f"{base}/namespaces/{{namespace}}/{type.plural}" if type.namespaced else f"{base}/{type.plural}"
        kind = _TypePaths(type, name, style)
        paths[place] = kind.collection()
        paths[f"{place}/{{name}}"] = kind.one()
        if type.has_status:
            paths[f"{place}/{{name}}/status"] = kind.status()
        if type.namespaced:
            paths[f"{base}/{type.plural}"] = kind.across_namespaces()
    return paths


@dataclass(frozen=True, slots=True)
class _TypePaths:
    """Builds the operations of one type."""

    type: ResourceType
    name: str
    style: Style

    def collection(self) -> Document:
        return {
            "get": self._list("list"),
            "post": self._write("post", "create", ("application/json", "application/yaml")),
            "delete": self._operation("deletecollection", f"{_META}.Status", _DELETING),
            "parameters": self._where(),
        }

    def across_namespaces(self) -> Document:
        return {"get": self._list("listAll")}

    def one(self) -> Document:
        return {
            "get": self._operation("get", self.name, {}),
            "put": self._write("put", "replace", ("application/json", "application/yaml")),
            "patch": self._patch("patch"),
            "delete": self._operation("delete", f"{_META}.Status", _DELETING),
            "parameters": [*self._where(), self.style.parameter("name", "path", "string", "Name of the object.")],
        }

    def status(self) -> Document:
        return {
            "get": self._operation("get", self.name, {}, "Status"),
            "put": self._write("put", "replace", ("application/json",), "Status"),
            "patch": self._patch("patch", "Status"),
            "parameters": [*self._where(), self.style.parameter("name", "path", "string", "Name of the object.")],
        }

    def _where(self) -> list[Document]:
        if not self.type.namespaced:
            return []
        return [self.style.parameter("namespace", "path", "string", "Namespace of the object.")]

    def _list(self, verb: str) -> Document:
        operation = self._operation(verb, f"{self.name}List", _LISTING)
        numbers = [self.style.parameter(name, "query", "integer", text) for name, text in _COUNTS.items()]
        flags = [self.style.parameter(name, "query", "boolean", text) for name, text in _FLAGS.items()]
        return operation | {"parameters": [*operation["parameters"], *numbers, *flags]}

    def _write(self, action: str, verb: str, types: tuple[str, ...], part: str = "") -> Document:
        return self._with_body(self._operation(action, self.name, _WRITING, part, verb), self.name, types)

    def _patch(self, verb: str, part: str = "") -> Document:
        operation = self._operation("patch", self.name, _WRITING, part, verb)
        return self._with_body(operation, f"{_META}.Patch", _PATCHES if self.type.group else _CORE_PATCHES)

    def _with_body(self, operation: Document, name: str, types: tuple[str, ...]) -> Document:
        body = self.style.body(name, types)
        parameters = [*operation["parameters"], *body.pop("parameters", [])]
        return operation | body | {"parameters": parameters}

    def _operation(
        self, action: str, answer: str, parameters: dict[str, str], part: str = "", verb: str = ""
    ) -> Document:
        type = self.type
        group = "".join(word.capitalize() for word in (type.group or "core").split(".")) + type.version.capitalize()
        where = "Namespaced" if type.namespaced and action != "listAll" else ""
        return {
            "operationId": f"{verb or action}{group}{where}{type.kind}{part}",
            "parameters": [self.style.parameter(name, "query", "string", text) for name, text in parameters.items()],
            "x-kubernetes-action": {"listAll": "list"}.get(action, action),
            "x-kubernetes-group-version-kind": {"group": type.group, "version": type.version, "kind": type.kind},
        } | self.style.answers(answer)
