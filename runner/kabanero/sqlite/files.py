"""Makes the place of a database ready: a private directory, a private file, and one process that owns it.

Called when a database is opened. Secrets are stored like all else, so nobody but the owner may read the files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


class InUseError(Exception):
    """Another process has the database open. `str(error)` names the file and the process."""


class FileLock:
    """Held as long as this process uses a database; the system frees it when the process dies, however it dies."""

    def __init__(self, database: Path) -> None:
        """Raises InUseError, OSError."""
        self._path = database.with_name(database.name + ".lock")
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._in_use(database) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def _in_use(self, database: Path) -> InUseError:
        owner = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() or "of unknown id"
        os.close(self._descriptor)
        return InUseError(
            f"{database} is in use by process {owner}; stop that runner first, or give this one another data directory"
        )

    def release(self) -> None:
        """Lets the next one in. The file stays: removing it would let two processes lock two different files."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def make_private(database: Path) -> None:
    """Makes directory and file where they are missing, readable by their owner only. Raises OSError."""
    database.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, FILE_MODE))
    database.chmod(FILE_MODE)
