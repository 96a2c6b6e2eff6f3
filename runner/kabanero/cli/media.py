"""Media types that the resource API speaks. Apart from the client, so that naming one costs no HTTP library."""

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
