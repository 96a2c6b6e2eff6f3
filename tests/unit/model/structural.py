"""The rules of Kubernetes' structural schemas, as far as they can be said without a cluster.

The API server's own validation is the judge; tests/cluster asks it. This is the quick check beside it.
"""

ALLOWED = {
    "description",
    "type",
    "format",
    "nullable",
    "properties",
    "required",
    "items",
    "additionalProperties",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
}
TYPES = {"object", "array", "string", "integer", "number", "boolean"}


def violations(schema, path=""):
    """Every rule that a schema breaks, each as `path: rule`."""
    found = [f"{path}: {key} is not allowed" for key in schema if key not in ALLOWED]
    kind = schema.get("type")
    if kind not in TYPES and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.append(f"{path}: has no type")
    if "properties" in schema and "additionalProperties" in schema:
        found.append(f"{path}: properties and additionalProperties exclude each other")
    if kind == "array" and "items" not in schema:
        found.append(f"{path}: a list without items")
    found += [f"{path}: requires {n}" for n in schema.get("required", ()) if n not in schema.get("properties", {})]
    found += _map_keys(schema, path)
    for name, inner in schema.get("properties", {}).items():
        found += violations(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            found += violations(schema[key], f"{path}.{key}")
    return found


def _map_keys(schema, path):
    if schema.get("x-kubernetes-list-type") != "map":
        return []
    required = schema["items"].get("required", ())
    return [f"{path}: key {key} is not required" for key in schema["x-kubernetes-list-map-keys"] if key not in required]
