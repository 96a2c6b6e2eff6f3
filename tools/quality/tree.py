"""The files that a check reads: which they are, what their content is, and a collection tree that holds a copy."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(patterns: tuple[str, ...]) -> list[str]:
    """What git has or would take of these paths; `:!PATH` leaves some out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(path for path in told.split("\0") if path and os.path.lexists(ROOT / path))


def digest(paths: list[str], *more: str) -> str:
    """One hash over paths and contents, and over whatever else decides what a check says."""
    total = hashlib.sha256(repr(more).encode())
    for path in paths:
        file = ROOT / path
        total.update(f"\0{path}\0{file.readlink() if file.is_symlink() else ''}\0".encode())
        total.update(file.read_bytes() if file.is_file() else b"")
    return total.hexdigest()[:24]


def copy(paths: list[str], folder: Path) -> Path:
    """The copy, at `folder/ansible_collections/kabanero/events`."""
    root = folder / "ansible_collections" / "kabanero" / "events"
    root.mkdir(parents=True)
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # somebody has just removed it
            shutil.copy2(ROOT / path, root / path, follow_symlinks=False)
    return root
