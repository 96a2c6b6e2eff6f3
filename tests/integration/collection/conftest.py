"""The collection where Ansible finds it, and ansible-playbook as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.collection import collections_path
from tests.support.runner import Runner

BIN = Path(sys.executable).parent
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ANSIBLE_COLLECTIONS_PATH must name."""
    return collections_path(tmp_path_factory.mktemp("collections"))


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A running runner that all tests of the collection share."""
    with Runner(tmp_path_factory.mktemp("runner")) as started:
        yield started


@pytest.fixture(scope="session")
def ansible(collections: Path) -> Command:
    """Runs one of Ansible's programs; further environment by keyword."""

    def run(program: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH_"))}
        ansible = {
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
        }
        command = [str(BIN / program), *map(str, arguments)]
        env = clean | ansible | environment
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)

    return run
