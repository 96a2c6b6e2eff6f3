"""Where the modules find the API: options before environment before kubeconfig, and what is said when nothing fits."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kabanero.events.plugins.module_utils.config import find_connection
from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError


def kubeconfig(
    folder: Path,
    *,
    name: str = "config",
    user: dict[str, Any] | None = None,
    cluster: dict[str, Any] | None = None,
    namespace: str = "shop",
) -> Path:
    """A kubeconfig with the contexts `here` (current) and `there`."""
    path = folder / name
    content = {
        "clusters": [
            {"name": "here", "cluster": {"server": "https://here:6443/"} | (cluster or {})},
            {"name": "there", "cluster": {"server": "https://there:6443"}},
        ],
        "users": [{"name": "me", "user": {"token": "t0ken"} if user is None else user}],
        "contexts": [
            {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": namespace}},
            {"name": "there", "context": {"cluster": "there", "user": "me"}},
        ],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(content))
    return path


def find(environ: dict[str, str] | None = None, **params: Any) -> Any:
    return find_connection(params, environ or {})


def test_the_current_context_counts(tmp_path: Path) -> None:
    found = find(kubeconfig=str(kubeconfig(tmp_path)))
    assert (found.host, found.api_key, found.namespace) == ("https://here:6443", "t0ken", "shop")


def test_a_context_can_be_named(tmp_path: Path) -> None:
    assert find(kubeconfig=str(kubeconfig(tmp_path)), context="there").host == "https://there:6443"


def test_a_context_without_a_namespace_means_default(tmp_path: Path) -> None:
    assert find(kubeconfig=str(kubeconfig(tmp_path)), context="there").namespace == "default"


def test_an_unknown_context_is_answered_with_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no context 'hree'; it has here, there"):
        find(kubeconfig=str(kubeconfig(tmp_path)), context="hree")


def test_options_go_before_the_kubeconfig(tmp_path: Path) -> None:
    found = find(kubeconfig=str(kubeconfig(tmp_path)), api_key="mine", namespace="other", validate_certs=False)
    assert (found.api_key, found.namespace, found.verify) == ("mine", "other", False)


def test_an_empty_option_leaves_what_the_kubeconfig_says(tmp_path: Path) -> None:
    empty = dict.fromkeys(("host", "api_key", "namespace", "ca_cert", "client_cert", "client_key"), "")
    found = find(kubeconfig=str(kubeconfig(tmp_path)), **empty)
    assert (found.host, found.api_key, found.namespace) == ("https://here:6443", "t0ken", "shop")


def test_a_host_needs_no_kubeconfig() -> None:
    found = find(host="http://127.0.0.1:8080/", api_key="mine")
    assert (found.host, found.api_key, found.namespace) == ("http://127.0.0.1:8080", "mine", "default")


def test_kubeconfig_may_name_several_files_of_which_the_first_counts(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path, name="first", namespace="one")
    second = kubeconfig(tmp_path, name="second", namespace="two")
    assert find({"KUBECONFIG": f"{tmp_path}/missing:{first}:{second}"}).namespace == "one"


def test_a_kubeconfig_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no kubeconfig .*/nothing; the runner"):
        find(kubeconfig=str(tmp_path / "nothing"))


def test_without_any_hint_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="set host and api_key, or kubeconfig"):
        find()


def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("- a list\n")
    with pytest.raises(ConfigError, match=f"{path} is not a kubeconfig: it holds no mapping"):
        find(kubeconfig=str(path))


def test_paths_are_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    user = {"tokenFile": "token", "client-certificate": "me.crt", "client-key": "me.key"}
    found = find(kubeconfig=str(kubeconfig(tmp_path, user=user, cluster={"certificate-authority": "ca.crt"})))
    assert found.api_key == "from-file"
    assert (found.ca, found.cert) == (str(tmp_path / "ca.crt"), str(tmp_path / "me.crt"))


def test_certificates_may_stand_in_the_kubeconfig(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n"
    data = base64.b64encode(pem.encode()).decode()
    found = find(kubeconfig=str(kubeconfig(tmp_path, cluster={"certificate-authority-data": data})))
    assert found.ca == pem


def test_a_user_that_logs_in_by_a_plugin_is_left_to_the_kubernetes_library(tmp_path: Path) -> None:
    plugin = tmp_path / "login"
    token = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "plug1n"}}'
    plugin.write_text(f"#!/bin/sh\necho '{token}'\n")
    plugin.chmod(0o755)
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }
    found = find(kubeconfig=str(kubeconfig(tmp_path, user=user)))
    assert (found.host, found.api_key, found.namespace) == ("https://here:6443", "plug1n", "shop")
