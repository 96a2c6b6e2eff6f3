"""The programs that checks run: virtual environments from pinned requirements that clash with those of .venv.

They stand in the user's cache, named by what is pinned, so that clones share them and a new pin makes a new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.quality.saying import say
from tools.quality.tree import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kabanero" / "quality"
OUTDATED_SECONDS = 30 * 24 * 3600
_making = threading.Lock()
NEWER = ("python3.12", "python3.13", "python3.14")


class NoPythonError(Exception):
    """No Python that this environment could be made of."""


@dataclass(frozen=True)
class Environment:
    """Pinned packages; `pythons` are the programs it may be made of, none: the one that runs us."""

    lock: str
    pythons: tuple[str, ...] = ()

    def text(self) -> str:
        """What is pinned."""
        return (ROOT / "requirements" / self.lock).read_text()

    def ready(self) -> Path:
        """Its folder of programs; made when it isn't there."""
        python = self._python()
        name = hashlib.sha256(f"{python}\n{self.text()}".encode()).hexdigest()[:12]
        folder = CACHE / "venvs" / f"{self.lock.removesuffix('.txt')}-{name}"
        with _making:
            if not (folder / ".ready").exists():
                self._make(folder, python)
        (folder / ".ready").touch()
        return folder / "bin"

    def _python(self) -> str:
        if not self.pythons:
            return sys.executable
        for candidate in _candidates(self.pythons):
            if (
                subprocess.run([candidate, "-c", "import ensurepip, ssl"], capture_output=True, check=False).returncode
                == 0
            ):
                return candidate
        raise NoPythonError(f"none of {', '.join(self.pythons)} is here")

    def _make(self, folder: Path, python: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        say(f"  installing {self.lock} (once) ...")
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "-r", ROOT / "requirements" / self.lock], check=True)
        (folder / ".ready").touch()


class Own(Environment):
    """The one that runs us, with the runner in it."""

    def ready(self) -> Path:
        """It is there, since it runs us."""
        return Path(sys.executable).parent


def _candidates(names: tuple[str, ...]) -> Iterator[str]:
    """On PATH, and where pyenv keeps those that it doesn't put there."""
    yield from filter(None, map(shutil.which, names))
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for name in names:
        yield from sorted(str(path) for path in versions.glob(f"*/bin/{name}"))


OWN = Own("dev.txt")
MAIN = Environment("dev.txt")
"""Not .venv itself, into which the checkout is linked: a place that has only what a check puts there."""
COLLECTION = Environment("quality.txt")
NEXT = Environment("quality-next.txt", NEWER)
IMPORTER = Environment("quality-importer.txt")


def forget_outdated() -> None:
    """Removes environments and results that nobody has used for a month."""
    for kind in ("venvs", "passed"):
        for path in (CACHE / kind).glob("*"):
            used = path / ".ready" if path.is_dir() else path
            if used.exists() and time.time() - used.stat().st_mtime > OUTDATED_SECONDS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
