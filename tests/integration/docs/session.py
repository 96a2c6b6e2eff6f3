"""A person who follows a guide: one shell, in a folder of its own, in which block after block is run."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.docs.reading import Block

SECONDS = 120
SUCCESS = ":\n"
"""At the end of each script, so that a failure is noted where it happens and not a second time."""
BIN = Path(sys.executable).parent
_ADDRESS = re.compile(r"(?<=127\.0\.0\.1:)[1-9]\d{3,4}")
# Errors are noted, and the shell goes on: it must live for the next block.
_PRELUDE = "trap 'echo $? >> failed' ERR\n"
_RUN = "eval \"$(cat '{block}')\" > '{output}' 2>&1 < /dev/null; echo done\n"


class Session:
    """`with Session(folder) as session`; ends every process that its shell has started.

    `programs` is where a reader's own ones stand.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self._environment = environment
        self.folder, self._count, self._ports = folder, 0, dict[str, str]()
        self._home = folder.parent / f"{folder.name}-home"
        self.programs = self._home / ".local" / "bin"
        self.programs.mkdir(parents=True)

    def __enter__(self) -> Session:
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._environment
            | {
                "PATH": f"{BIN}:{self.programs}:{os.environ['PATH']}",
                "HOME": str(self._home),
                "LANG": "C.UTF-8",
                "TZ": "UTC",
            },
            start_new_session=True,
        )
        self._tell(_PRELUDE)
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._shell.pid, signal.SIGTERM)
        try:
            self._shell.wait(20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()

    def write(self, block: Block) -> None:
        """Writes the file that a block is."""
        path = self.folder / block.marks["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._ported(block.text))

    def run(self, block: Block) -> tuple[str, list[int]]:
        """What a block printed, and the exit codes of its commands that failed; then waits as a reader would."""
        self._count += 1
        script, output = (self.folder.parent / f"{self.folder.name}-{self._count}.{end}" for end in ("sh", "out"))
        script.write_text(self._ported(block.text) + SUCCESS)
        failed = self.folder / "failed"
        failed.unlink(missing_ok=True)
        self._tell(_RUN.format(block=script, output=output))
        self._hear(block, output)
        if re.search(r"kabanero serve.*&$", block.text, re.MULTILINE):
            self._until(lambda: "ready http" in output.read_text(), f"{block}: not ready: {output.read_text()}")
        self._until(self._is_quiet, f"{block}: the runner does not come to rest")
        return output.read_text(), [int(code) for code in failed.read_text().split()] if failed.exists() else []

    def ported(self, text: str) -> str:
        """The text with the ports that this session uses."""
        return self._ported(text)

    def _ported(self, text: str) -> str:
        return _ADDRESS.sub(lambda found: self._ports.setdefault(found[0], _free_port()), text)

    def _tell(self, text: str) -> None:
        assert self._shell.stdin
        self._shell.stdin.write(text)
        self._shell.stdin.flush()

    def _hear(self, block: Block, output: Path) -> None:
        assert self._shell.stdout
        os.set_blocking(self._shell.stdout.fileno(), False)
        self._until(lambda: (self._shell.stdout.readline() or "").strip() == "done", f"{block} hangs: {output}")  # type: ignore[union-attr]

    def _is_quiet(self) -> bool:
        """Nothing is under way but what waits for a person."""
        if not (self.folder / "data" / "kubeconfig").exists():
            return True
        return not self._pending() and not any(map(_works, self._get("get", "stageruns", "-A", "-o", "json")))

    def _pending(self) -> bool:
        events = self._get("events", "-o", "json")
        return any(each["fate"] == "Pending" for event in events for each in event["handlings"])

    def _get(self, *command: str) -> list[dict]:
        done = subprocess.run(
            [BIN / "kabanero", "--data-dir", self.folder / "data", *command],
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout)["items"] if done.returncode == 0 else []

    def _until(self, holds, otherwise: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.05)


def _works(stage_run: dict) -> bool:
    status = stage_run.get("status") or {}
    return status.get("phase") in ("Triggered", "Running") and status.get("waitsOn") not in ("Approval", "External")


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
