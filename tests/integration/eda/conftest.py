"""The real ansible-rulebook with our event source, beside a real runner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.collection.conftest import BIN, collections
from tests.integration.forge.conftest import STRATEGY
from tests.support.absent import absent
from tests.support.runner import Runner, resource
from tests.testbed.rulebook import lacking, program

__all__ = ["collections"]
SECONDS = 40
INVENTORY = """
all:
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
NOTE = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.shell: {cmd: "cat >> NOTES", stdin: "{{ ansible_eda.event | to_json }}"}
"""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A running runner with one strategy, whose stage is done at once, and no trigger."""
    with Runner(tmp_path_factory.mktemp("runner")) as started:
        (started.project / "good.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks: []\n")
        started.apply(resource("PlaybookStage", "build", {"playbook": "good.yml"}), STRATEGY)
        started.source()
        yield started


class Rulebook:
    """ansible-rulebook in a folder of its own. `notes` are the events that `note.yml` was called with."""

    def __init__(self, folder: Path, collections: Path, runner: Runner) -> None:
        self.folder, self.runner = folder, runner
        self._notes = folder / "notes"
        self._log = folder / "rulebook.log"
        (folder / "note.yml").write_text(NOTE.replace("NOTES", str(self._notes)))
        (folder / "inventory.yml").write_text(INVENTORY)
        (folder / "vars.yml").write_text("since: now\n")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))}
        path = f"{program().parent}:{BIN}:{os.environ['PATH']}"
        kubeconfig = str(runner.data / "kubeconfig")
        self._environment = clean | {"PATH": path, "K8S_AUTH_KUBECONFIG": kubeconfig}
        self._environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_NOCOLOR": "true"}
        self._process: subprocess.Popen[bytes] | None = None

    def play(self, rulebook: str | list[dict[str, Any]], *arguments: str, ready: str = "Waiting for events") -> None:
        """Starts it, and returns when it waits for events."""
        name = rulebook
        if not isinstance(rulebook, str):
            name = "rulebook.yml"
            (self.folder / name).write_text(yaml.safe_dump(rulebook))
        begin = self._log.stat().st_size if self._log.exists() else 0
        command = [program(), "-r", name, "-i", "inventory.yml", "-e", "vars.yml", "--verbose", *arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*map(str, command)],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.until(lambda: ready in self._log.read_text()[begin:])

    def source(self, rules: Any = None, **source: Any) -> list[dict[str, Any]]:
        """A rulebook that notes each event of our source."""
        action = {"run_playbook": {"name": "note.yml"}}
        noting = [{"name": "note", "condition": "event.sequence is defined", "action": action}]
        sources = [{"name": "bus", "kabanero.events.bus": {"interval": 0.2, **source}}]
        return [{"name": "noting", "hosts": "localhost", "sources": sources, "rules": rules or noting}]

    @property
    def notes(self) -> list[dict[str, Any]]:
        decoder, text, found = json.JSONDecoder(), self._notes.read_text() if self._notes.exists() else "", []
        while text:
            note, end = decoder.raw_decode(text)
            found, text = [*found, note], text[end:].strip()
        return found

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def until(self, holds: Callable[[], Any]) -> Any:
        """What `holds` returns when that is true."""
        deadline = time.monotonic() + SECONDS
        while not (found := holds()):
            assert time.monotonic() < deadline, self.log[-5000:]
            assert self._process is None or self._process.poll() is None, self.log[-5000:]
            time.sleep(0.1)
        return found

    def end(self) -> str:
        """Waits for an end of its own; the log."""
        assert self._process
        self._process.wait(SECONDS)
        return self.log

    def kill(self) -> None:
        """SIGKILL for it and all it has started, as a crash would."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@pytest.fixture
def rulebook(tmp_path: Path, collections: Path, runner: Runner) -> Iterator[Rulebook]:
    """ansible-rulebook, not started yet."""
    if missing := lacking():
        absent(", ".join(missing), "make testbed")
    made = Rulebook(tmp_path, collections, runner)
    yield made
    made.kill()


def newest(runner: Runner) -> int:
    """The place of the newest event on the bus."""
    found = runner.request("GET", "/runner/v1/events?limit=1")["items"]
    return int(found[0]["sequence"]) if found else 0
