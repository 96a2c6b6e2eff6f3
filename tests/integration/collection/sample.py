"""A git repository of the sample service, as the demo pushes it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.collection import ROOT

IDENTITY = ("-c", "user.name=Champ", "-c", "user.email=champ@mycompany.com")


class SampleRepository:
    """One commit on master; `commit` is the newest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "examples" / "hello-service", path, ignore=ignored)
        self.git("init", "-q", "-b", "master")
        self.commit = self._commit("first")

    def git(self, *arguments: str) -> str:
        """What git printed."""
        command = ["git", *IDENTITY, *arguments]
        return subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=True).stdout.strip()

    def change(self, file: str, old: str, new: str) -> str:
        """Replaces text in a file and commits that; returns the commit."""
        path = self.path / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        self.commit = self._commit(f"change {file}")
        return self.commit

    def build(self, into: Path) -> dict[str, Any]:
        """The artifact of the newest commit, as the build stage reports it."""
        script = ROOT / "roles" / "build" / "files" / "build_commit.py"
        options = (f"--repository={self.path}", f"--revision={self.commit}", f"--into={into}", "--")
        command = [sys.executable, str(script), *options, sys.executable, "build.py"]
        return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))

    def _commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")
