"""The real ansible-rulebook in an environment of its own: for the proof of our event source.

Its versions are pinned by `requirements/rulebook.txt`. It needs Java, which the distribution has.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.testbed.build import BuildError, alone
from tests.testbed.debian import install_packages
from tests.testbed.parts import CACHE

PINNED = Path(__file__).parents[2] / "requirements" / "rulebook.txt"
JAVA = {"default-jre-headless": Path("/usr/bin/java")}
INSTALL_SECONDS = 600


def folder() -> Path:
    """Where it is kept: other versions or another Python, another folder."""
    versions = PINNED.read_bytes() + sys.version.encode()
    return CACHE / f"rulebook-{hashlib.sha256(versions).hexdigest()[:12]}"


def program() -> Path:
    """Where ansible-rulebook stands, if it is here."""
    return folder() / "bin" / "ansible-rulebook"


def lacking() -> list[str]:
    """What is not here of it."""
    return [
        name
        for name, there in {"ansible-rulebook": program().exists(), "java": shutil.which("java")}.items()
        if not there
    ]


def build_rulebook() -> Path:
    """Installs it into our cache, and Java on this machine, where they are not; raises BuildError."""
    if not shutil.which("java"):
        install_packages(JAVA)
    with alone(CACHE):
        if not program().exists():
            shutil.rmtree(folder(), ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(folder()))
            _run(str(folder() / "bin" / "pip"), "install", "--quiet", "--no-deps", "--requirement", str(PINNED))
    return program()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
