"""A full disk: nothing is acknowledged that isn't kept, what runs ends with a reason, and with room all goes on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import runs
from tests.support.runner import API, Runner, resource
from tests.support.strategies import binding, chain, marking_project, match, playbook_stage, strategy

GUIDE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
_CAUSE = "data/bus.db: the disk is full (database or disk is full); free space on its file system; no restart is needed"
NAP = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Take a nap
      ansible.builtin.command: sleep 2
    - name: Print
      ansible.builtin.debug: {msg: "{{ 'x' * 100000 }}"}
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MB; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems can't be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Leaves no room."""
    handle = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(handle, b"x" * 4096)
    os.close(handle)


def test_a_full_disk_costs_nothing_that_was_promised(tmp_path: Path, small_disk: Path) -> None:
    runner = Runner(tmp_path)
    runner.data = small_disk / "data"
    ballast = small_disk / "ballast"
    marking_project(runner.project)
    (runner.project / "nap.yml").write_text(NAP)
    with runner:
        runner.source()
        runner.apply(*chain("Probe"), playbook_stage("nap", "nap.yml"))
        runner.apply(*strategy("nap", [binding("Nap", "PlaybookStage", [match("Start")])])[:1])
        napping = runs.start(runner, "nap", emit={"name": "Start"})
        runs.in_phase(runner, napping, "Nap", "Running")

        fill(ballast)
        assert [runner.push("main", commit=f"c{number}") for number in range(3)] == [503, 503, 503]
        assert runner.deliver("main")[1] in GUIDE.read_text()
        with pytest.raises(urllib.error.HTTPError) as refused:
            runner.request("POST", f"{API}/strategyruns", resource("StrategyRun", "more", {"strategy": "nap"}))
        assert (refused.value.code, b"the disk is full" in refused.value.read()) == (503, True)
        assert _CAUSE in GUIDE.read_text() and _CAUSE in runner.log.read_text()
        runner.kill()
        ballast.unlink()
        runner.start()

        runs.ended(runner, napping)
        nap = runs.stage_run(runner, napping, "Nap")["status"]
        assert (nap["phase"], nap["reason"]) in (("Succeeded", ""), ("Errored", "DiskFull"))
        assert runner.push("main", commit="afterwards") == 202
        assert "Succeeded" in {
            run["status"]["phase"] for run in runner.wait_for_runs(2) if run["metadata"]["name"] != napping
        }
