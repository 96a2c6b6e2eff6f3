"""The environment of the tools that build the site: made once, and anew when requirements/site.txt changes."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "site.txt"
CACHE = ROOT / ".cache" / "site"


class NoToolsError(Exception):
    """The tools can't be installed: no network, or a version is gone."""


def tools() -> Path:
    """The folder of the tools' programs."""
    version = f"{LOCK.read_text()} {sys.version_info[:2]}"
    folder = CACHE / hashlib.sha256(version.encode()).hexdigest()[:12]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # Two builds at once make it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _forget_all()
            _install(folder)
            (folder / "ready").touch()
    return folder / "bin"


def _forget_all() -> None:
    for old in CACHE.iterdir():
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)


def _install(folder: Path) -> None:
    sys.stdout.write("Installing the site's tools (once) ...\n")
    sys.stdout.flush()
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        # The lock is complete, so nothing is looked up beside it.
        subprocess.run([*pip, "--no-deps", "-r", str(LOCK)], check=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoToolsError(f"the packages of {LOCK.relative_to(ROOT)} can't be installed: {error}") from error
