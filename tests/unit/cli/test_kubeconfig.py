"""Where a command connects to, by what was said, the environment and the files that are there."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from kabanero.cli.errors import CliError, UnreachableError, UsageError
from kabanero.cli.kubeconfig import Wanted, connection


def config(server: str, name: str = "here", user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "clusters": [{"name": name, "cluster": {"server": server, **cluster}}],
        "users": [{"name": name, "user": user or {"token": "t0ken"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "team"}}],
        "current-context": name,
    }


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def test_the_named_file_wins(tmp_path: Path, home: dict[str, str]) -> None:
    named = write(tmp_path / "named", config("http://named"))
    write(tmp_path / ".kube/config", config("http://usual"))
    assert connection(Wanted(kubeconfig=str(named)), home).server == "http://named"


def test_a_named_data_folder_wins_over_the_kubeconfig_of_the_environment(tmp_path: Path, home: dict[str, str]) -> None:
    write(tmp_path / "data/kubeconfig", config("http://data"))
    other = write(tmp_path / "other", config("http://other"))
    environ = {**home, "KUBECONFIG": str(other), "KABANERO_DATA_DIR": str(tmp_path / "data")}
    assert connection(Wanted(), environ).server == "http://data"


def test_without_a_word_it_is_the_runner_of_this_user_and_then_kubectls_cluster(
    tmp_path: Path, home: dict[str, str]
) -> None:
    write(tmp_path / ".kube/config", config("http://cluster"))
    assert connection(Wanted(), home).server == "http://cluster"
    write(tmp_path / ".local/share/kabanero/kubeconfig", config("http://own"))
    assert connection(Wanted(), home).server == "http://own"


def test_the_namespace_and_the_token_are_the_contexts(tmp_path: Path, home: dict[str, str]) -> None:
    found = connection(Wanted(kubeconfig=str(write(tmp_path / "k", config("http://a/")))), home)
    assert (found.server, found.namespace, found.token) == ("http://a", "team", "t0ken")


def test_several_files_are_one_and_the_first_word_counts(tmp_path: Path, home: dict[str, str]) -> None:
    one = write(tmp_path / "one", config("http://one"))
    two = write(tmp_path / "two", {**config("http://two", "there"), "current-context": "there"})
    environ = {**home, "KUBECONFIG": f"{one}:{two}:/nowhere"}
    assert connection(Wanted(), environ).server == "http://one"
    assert connection(Wanted(context="there"), environ).server == "http://two"


def test_certificates_come_from_base64_or_from_files_beside_the_kubeconfig(
    tmp_path: Path, home: dict[str, str]
) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki/client.pem").write_text("CERT")
    data = base64.b64encode(b"CA").decode()
    user = {"client-certificate": "pki/client.pem", "client-key-data": base64.b64encode(b"KEY").decode()}
    content = config("https://a", user=user, **{"certificate-authority-data": data})
    found = connection(Wanted(kubeconfig=str(write(tmp_path / "k", content))), home)
    assert (found.ca, found.certificate, found.key) == ("CA", "CERT", "KEY")


def test_a_token_file_is_read(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "token").write_text("from-file\n")
    content = config("http://a", user={"tokenFile": "token"})
    assert connection(Wanted(kubeconfig=str(write(tmp_path / "k", content))), home).token == "from-file"


def test_a_credential_plugin_is_asked(tmp_path: Path, home: dict[str, str]) -> None:
    answer = json.dumps({"kind": "ExecCredential", "status": {"token": "minted"}})
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "echo", "args": [answer]}
    path = write(tmp_path / "k", config("http://a", user={"exec": plugin}))
    assert connection(Wanted(kubeconfig=str(path)), home).token == "minted"


def test_a_credential_plugin_that_is_not_there_is_named_with_its_hint(tmp_path: Path, home: dict[str, str]) -> None:
    plugin = {"command": "no-such-plugin", "installHint": "install it"}
    path = write(tmp_path / "k", config("http://a", user={"exec": plugin}))
    with pytest.raises(UnreachableError, match="no-such-plugin") as caught:
        connection(Wanted(kubeconfig=str(path)), home)
    assert caught.value.hints == ("install it",)


def test_nothing_at_all_says_where_was_looked_and_how_to_start_a_runner(tmp_path: Path, home: dict[str, str]) -> None:
    with pytest.raises(UnreachableError) as caught:
        connection(Wanted(), home)
    assert str(tmp_path / ".kube" / "config") in caught.value.hints[0]
    assert "kabanero serve" in caught.value.hints[1]


def test_a_data_folder_without_a_runner_says_how_to_start_it_there(tmp_path: Path, home: dict[str, str]) -> None:
    with pytest.raises(UnreachableError) as caught:
        connection(Wanted(data_dir=str(tmp_path)), home)
    assert caught.value.hints == (f"start the runner with: kabanero serve --data-dir {tmp_path}",)


def test_a_context_that_is_not_there_is_answered_with_the_near_one(tmp_path: Path, home: dict[str, str]) -> None:
    path = write(tmp_path / "k", config("http://a", "staging"))
    with pytest.raises(UsageError) as caught:
        connection(Wanted(kubeconfig=str(path), context="stagin"), home)
    assert caught.value.hints == ("did you mean staging?",)


@pytest.mark.parametrize("text", ["[", "just text", "{clusters: []}", "\xff"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, home: dict[str, str], text: str) -> None:
    (tmp_path / "k").write_bytes(text.encode("latin-1"))
    with pytest.raises(CliError, match=str(tmp_path / "k")):
        connection(Wanted(kubeconfig=str(tmp_path / "k")), home)
