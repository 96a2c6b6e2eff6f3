"""Plays tasks with ansible-playbook, as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

BIN = Path(sys.executable).parent


def call_module(
    module: str, options: dict[str, Any], collections: Path, folder: Path, *, check: bool = False, **environment: str
) -> dict[str, Any]:
    """What one call of a module of ours returns in diff mode, also when it fails; no option's secret may be shown."""
    task = {f"kabanero.events.{module}": options, "register": "told", "check_mode": check, "diff": True}
    kept = {"content": "{{ told | to_json }}", "dest": str(folder / "told.json"), "mode": "0600"}
    done = play_tasks([task | {"ignore_errors": True}, {"copy": kept}], collections, folder, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads((folder / "told.json").read_text())
    for name in ("secret", "token"):
        assert str(options.get(name) or "-" * 99) not in done.stdout + json.dumps(told)
    return told


def play_tasks(
    tasks: list[dict[str, Any]], collections: Path, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Plays tasks on localhost; what ansible-playbook printed, and its code."""
    playbook = folder / "tasks.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return run_playbook(str(playbook), collections, **environment)


def run_playbook(
    playbook: str, collections: Path | str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Plays a playbook, by path or by its name in a collection."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH_"))}
    env = clean | {"ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_NOCOLOR": "true"} | environment
    command = [str(BIN / "ansible-playbook"), playbook, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
