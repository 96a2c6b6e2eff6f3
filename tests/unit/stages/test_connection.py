"""Where the API server is looked for, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from kabanero.stages.connection import Connection, Wanted, connect
from kabanero.stages.errors import NoConnectionError

NOTHING = Wanted()


def kubeconfig(folder: Path, name: str, **user: str) -> Path:
    """A kubeconfig of a server of that name, written to `folder/name/kubeconfig`."""
    file = folder / name / "kubeconfig"
    file.parent.mkdir(parents=True)
    context = {"cluster": "c", "user": "u"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"https://{name}:1/"}}],
        "users": [{"name": "u", "user": user or {"token": f"of {name}"}}],
        "contexts": [{"name": "default", "context": context}, {"name": "other", "context": {**context, "user": "x"}}],
        "current-context": "default",
    }
    file.write_text(yaml.safe_dump(content))
    return file


def host(found: Connection) -> str:
    return found.host.removeprefix("https://").removesuffix(":1")


def test_what_is_said_wins_over_the_environment(tmp_path: Path) -> None:
    said, named = kubeconfig(tmp_path, "said"), kubeconfig(tmp_path, "named")
    env = {"KUBECONFIG": str(named), "K8S_AUTH_HOST": "https://auth:1"}
    assert host(connect(Wanted(kubeconfig=str(said)), env)) == "said"
    assert host(connect(Wanted(data_dir=str(said.parent)), env)) == "said"


def test_of_the_environment_k8s_auth_comes_first_then_the_data_folder_then_kubeconfig(tmp_path: Path) -> None:
    named, data = kubeconfig(tmp_path, "named"), kubeconfig(tmp_path, "data")
    env = {"KUBECONFIG": str(named)}
    assert host(connect(NOTHING, env)) == "named"
    env |= {"KABANERO_DATA_DIR": str(data.parent)}
    assert host(connect(NOTHING, env)) == "data"
    env |= {"K8S_AUTH_KUBECONFIG": str(named)}
    assert host(connect(NOTHING, env)) == "named"
    env |= {"K8S_AUTH_HOST": "https://auth:1"}
    assert host(connect(NOTHING, env)) == "auth"


def test_without_a_word_the_local_runner_is_meant_then_kubectls_cluster(tmp_path: Path) -> None:
    kubeconfig(tmp_path, ".kube").rename(tmp_path / ".kube" / "config")
    assert host(connect(NOTHING, {"HOME": str(tmp_path)})) == ".kube"
    kubeconfig(tmp_path / ".local" / "share", "kabanero")
    assert host(connect(NOTHING, {"HOME": str(tmp_path)})) == "kabanero"


def test_a_token_is_sent_as_bearer(tmp_path: Path) -> None:
    found = connect(Wanted(kubeconfig=str(kubeconfig(tmp_path, "said"))), {})
    assert found.headers() == {"authorization": "Bearer of said"}
    found = connect(NOTHING, {"K8S_AUTH_HOST": "https://auth:1", "K8S_AUTH_API_KEY": "key"})
    assert found.headers() == {"authorization": "Bearer key"}


def test_name_and_password_are_sent_as_basic(tmp_path: Path) -> None:
    env = {"K8S_AUTH_HOST": "https://auth:1", "K8S_AUTH_USERNAME": "a", "K8S_AUTH_PASSWORD": "b"}
    assert connect(NOTHING, env).headers() == {"authorization": "Basic YTpi"}


@pytest.mark.parametrize(
    "env", [{"KUBECONFIG": "nowhere"}, {"HOME": "nowhere"}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}]
)
def test_no_server_is_said_with_the_place_that_was_looked_at(env: dict[str, str]) -> None:
    with pytest.raises(NoConnectionError, match="no API server is known"):
        connect(NOTHING, env)


def test_a_context_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoConnectionError):
        connect(Wanted(kubeconfig=str(kubeconfig(tmp_path, "said")), context="missing"), {})
