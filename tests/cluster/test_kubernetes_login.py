"""As whom the runner speaks to the API server: certificates, tokens, plugins, a pod's own account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kabanero.kubernetes import login
from kabanero.model.errors import ForbiddenError, InvalidError
from kabanero.model.kinds.core import NAMESPACE
from kabanero.model.resource import Key
from kubernetes.aio.config import incluster_config

from tests.cluster.store_world import opened
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
DEFAULT = Key(NAMESPACE, "", "default")
CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}


def kubeconfig(server: ApiServer, folder: Path, user: dict[str, Any]) -> Path:
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["users"][0]["user"] = user
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


async def test_with_a_client_certificate(apiserver: ApiServer) -> None:
    async with opened(apiserver.user("someone", "system:masters")) as (store, _):
        assert (await store.get(DEFAULT))["metadata"]["name"] == "default"


async def test_with_a_credential_plugin_that_is_asked_again_when_its_token_has_run_out(
    apiserver: ApiServer, tmp_path: Path
) -> None:
    token, plugin = tmp_path / "token", tmp_path / "plugin"
    token.write_text(apiserver.token)
    plugin.write_text(f"#!/bin/sh\nprintf '{json.dumps(CREDENTIAL)}' $(cat {token})\n")
    plugin.chmod(0o755)
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    }
    file = kubeconfig(apiserver, tmp_path, user)
    token.write_text("has-run-out")
    async with opened(file) as (store, _):
        token.write_text(apiserver.token)
        assert await store.get(DEFAULT)


async def test_with_a_token_file_that_is_exchanged(apiserver: ApiServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    async with opened(kubeconfig(apiserver, tmp_path, {"tokenFile": str(token)})) as (store, _):
        token.write_text(apiserver.token)
        assert await store.get(DEFAULT)


async def test_with_a_pods_own_account(apiserver: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, server = tmp_path / "token", urlsplit(apiserver.url)
    token.write_text(apiserver.token)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(server.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    monkeypatch.setattr(login, "POD_TOKEN", token)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(apiserver.ca))
    async with opened(None) as (store, client):
        assert client.server == apiserver.url
        assert await store.get(DEFAULT)


async def test_credentials_that_are_not_accepted_are_said_to_be_so(apiserver: ApiServer, tmp_path: Path) -> None:
    async with opened(kubeconfig(apiserver, tmp_path, {"token": "wrong"})) as (store, _):
        with pytest.raises(ForbiddenError, match="does not accept our credentials"):
            await store.get(DEFAULT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "can't be used"),
        ("", "can't be used"),
        ("{", "can't be used"),
        ("[]", "can't be used"),
        ("current-context: a\ncontexts: []\nclusters: []\nusers: []", "can't be used: .* a"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\nclusters: []", "can't be used: .* b"),
    ],
)
async def test_a_kubeconfig_that_can_not_be_used_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidError, match=f"{file}: {reason}"):
        async with opened(file):
            pass


async def test_a_plugin_that_fails_is_not_taken_for_nobody(apiserver: ApiServer, tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}}
    with pytest.raises(InvalidError, match="gives no credentials, or its credential plugin failed"):
        async with opened(kubeconfig(apiserver, tmp_path, user)):
            pass
