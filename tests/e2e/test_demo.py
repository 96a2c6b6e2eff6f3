"""`kabanero demo` that is broken off, in whatever way, leaves no runner behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import runs


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


KABANERO = Path(sys.executable).parent / "kabanero"
BARE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def ran(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What a demo without a terminal prints where `kabanero` is not on PATH, and the folder that it ran in."""
    folder = tmp_path_factory.mktemp("demo")
    done = ran([str(KABANERO), "demo"], folder, BARE)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def hints(text: str) -> list[str]:
    """The lines that the demo ends with, to be typed."""
    return [line.strip() for line in text.partition("Look around:")[2].splitlines() if line.startswith("  ")]


def test_without_a_terminal_every_change_is_told_once(shown: tuple[Path, str]) -> None:
    news = [" ".join(line.split()[1:3]) for line in shown[1].splitlines() if line[2:3] == ":"]
    assert len(news) == len(set(news))
    assert {f"{stage} Succeeded" for stage in ("build", "FVT", "SVT", "approval", "deploy")} <= set(news)


def test_the_closing_hints_fit_any_terminal(shown: tuple[Path, str]) -> None:
    assert all(len(line) <= 80 for line in shown[1].partition("Look around:")[2].splitlines())


def test_the_closing_hints_work_as_they_stand(shown: tuple[Path, str]) -> None:
    folder, text = shown
    start, look = hints(text)[:3], hints(text)[3:]
    waiting = "until kabanero get runs >/dev/null 2>&1; do sleep 0.1; done"
    script = "\n".join(["set -e", *start, "trap 'kill $!; wait $!' EXIT", waiting, *look])
    done = ran(["sh", "-c", script], folder, BARE)
    assert (done.returncode, done.stderr.count("error")) == (0, 0), done.stderr
    assert "TASK [Release the artifact]" in done.stdout


def test_how_to_find_the_command_is_said_only_to_those_who_need_it(tmp_path: Path, shown: tuple[Path, str]) -> None:
    assert hints(shown[1])[0].endswith("/activate") or hints(shown[1])[0].startswith("PATH=")
    path = {**BARE, "PATH": f"{KABANERO.parent}:{BARE['PATH']}"}
    done = ran(["kabanero", "demo"], tmp_path, path)
    assert hints(done.stdout)[0] == "export KABANERO_DATA_DIR=.demo/data"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda how: how.name)
def test_a_demo_that_is_broken_off_stops_its_runner(tmp_path: Path, how: signal.Signals) -> None:
    command = [str(Path(sys.executable).parent / "kabanero"), "demo", "--yes", "--keep", "--dir", str(tmp_path)]
    lock = tmp_path / "data" / "bus.db.lock"
    with (tmp_path / "out").open("wb") as out:
        # Whoever runs the tests in the background ignores SIGINT, and children inherit that.
        demo = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 (no threads here)
        )
    runs.wait(lambda: lock.exists() and lock.read_text())
    runner = int(lock.read_text())
    os.kill(demo.pid, how)
    assert demo.wait(30) == 130
    runs.wait(lambda: not is_running(runner))
