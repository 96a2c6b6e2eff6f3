"""What a new AWX holds: something for demonstrations, and its own credential types."""

from __future__ import annotations

from typing import Any

from tests.support.awx.tables import Tables


def _field(id: str, *, secret: bool = False, type: str = "string") -> dict[str, Any]:
    return {"id": id, "label": id.replace("_", " ").title(), "type": type, "secret": secret}


KUBERNETES = {
    "inputs": {
        "fields": [
            _field("host"),
            _field("bearer_token", secret=True),
            _field("verify_ssl", type="boolean"),
            _field("ssl_ca_cert", secret=True),
        ],
        "required": ["host", "bearer_token"],
    },
    "injectors": {
        "env": {
            "K8S_AUTH_HOST": "{{ host }}",
            "K8S_AUTH_API_KEY": "{{ bearer_token }}",
            "K8S_AUTH_VERIFY_SSL": "{{ verify_ssl }}",
        }
    },
}
GITHUB_TOKEN = {"inputs": {"fields": [_field("token", secret=True)], "required": ["token"]}, "injectors": {}}
MACHINE = {"inputs": {"fields": [_field("username"), _field("password", secret=True)]}, "injectors": {}}


def stock(tables: Tables, user: str, password: str) -> None:
    """Fills empty tables."""
    tables.add("users", username=user, password=password, is_superuser=True)
    tables.add("users", username="auditor", password="looks", _reads_only=True)
    organization = tables.add("organizations", name="Default")
    for name, kind, namespace, what in (
        ("Machine", "ssh", "ssh", MACHINE),
        ("Source Control", "scm", "scm", MACHINE),
        ("GitHub Personal Access Token", "token", "github_token", GITHUB_TOKEN),
        ("OpenShift or Kubernetes API Bearer Token", "kubernetes", "kubernetes_bearer_token", KUBERNETES),
    ):
        tables.add("credential_types", name=name, kind=kind, namespace=namespace, managed=True, **what)
    tables.add("execution_environments", name="AWX EE (latest)", image="quay.io/ansible/awx-ee:latest")
    tables.add("projects", name="Demo Project", organization=organization["id"], scm_type="git")
    tables.add("inventories", name="Demo Inventory", organization=organization["id"])
