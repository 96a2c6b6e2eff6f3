"""Where one check runs: a tree of its own with a clean environment around it, gone when the check ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from tools.quality import tree

SECONDS = 1200
CLEAN = ("ANSIBLE_", "K8S_AUTH_", "KABANERO_", "MOLECULE_", "GIT_", "PYTHON", "VIRTUAL_ENV")


class CheckFailedError(Exception):
    """A program of a check ended with another code than 0; the log tells more."""


class NotHereError(Exception):
    """Something that a check needs is nowhere; the text says what would help. In CI that is a failure."""


class Place:
    """`with Place(files, programs, log) as place: place.run(...)`."""

    def __init__(self, paths: list[str], programs: Path, log: IO[str]) -> None:
        self.programs, self._paths, self._log = programs, paths, log

    def __enter__(self) -> Place:
        self._temporary = tempfile.TemporaryDirectory(prefix="kabanero-check-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self.root = tree.copy(self._paths, self.folder / "tree")
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def run(self, *command: object, cwd: Path | None = None, **environment: str) -> None:
        """Runs one program in the tree; its output goes to the log."""
        print("$", *command, file=self._log, flush=True)
        done = subprocess.run(
            [self._found(command[0]), *map(str, command[1:])],
            cwd=cwd or self.root,
            env=self._environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise CheckFailedError(f"{Path(str(command[0])).name} ended with code {done.returncode}")

    def python_version(self) -> str:
        """As ansible-test's option --python takes it."""
        return self._told("import sys; print('%d.%d' % sys.version_info[:2])")

    def site_packages(self) -> Path:
        """Where Ansible finds collections without being told."""
        return Path(self._told("import sysconfig; print(sysconfig.get_paths()['purelib'])"))

    def _told(self, program: str) -> str:
        command = [self.programs / "python", "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def _found(self, program: object) -> str:
        """A program of the check's environment goes before one of the same name elsewhere."""
        own = self.programs / str(program)
        return str(own if own.exists() else program)

    def _environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(CLEAN)}
        return clean | {
            # `kabanero` is that of the environment that we run in.
            "PATH": f"{self.programs}:{Path(sys.executable).parent}:{clean['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "tree"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_NOCOLOR": "true",
            "NO_COLOR": "1",
        }
