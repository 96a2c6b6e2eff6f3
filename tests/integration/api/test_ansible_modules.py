"""The real kubernetes.core modules, run by ansible-playbook, against the embedded API."""

import json
import sys
from pathlib import Path

from tests.support.foreign_collections import kubernetes_core

PLAYBOOK = Path(__file__).with_name("playbook.yml")


async def test_kubernetes_core_makes_changes_finds_and_removes_resources(api, tmp_path):
    collections = kubernetes_core()
    result = tmp_path / "result.json"
    code, out, err = await api.run(
        Path(sys.executable).with_name("ansible-playbook"),
        str(PLAYBOOK),
        "-e",
        f"result_file={result} ansible_python_interpreter={sys.executable}",
        ANSIBLE_COLLECTIONS_PATH=str(collections),
        K8S_AUTH_KUBECONFIG=str(api.kubeconfig),
        ANSIBLE_LOCALHOST_WARNING="False",
    )
    assert code == 0, out + err
    assert json.loads(result.read_text()) == {
        "space": True,
        "made": True,
        "again": False,
        "looked": True,
        "changed": True,
        "applied": True,
        "found": 1,
        "cancel": True,
        "removed": True,
        "removed_again": False,
    }
