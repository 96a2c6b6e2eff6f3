"""Who this runner is among several: a name that stays with its data folder. Used by `app`.

What a runner has begun is known from its data folder; so who starts again on the same folder is the same runner.
"""

from __future__ import annotations

import fcntl
import os
import socket
import uuid
from pathlib import Path

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.names import legal_name

FILE = "replica"
_HOST_LENGTH = 40


def identity_in(folder: Path) -> tuple[str, int]:
    """The identity, and a handle that keeps the folder ours until it is closed or the process ends.

    Raises InvalidError when another process has the folder.
    """
    handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        fix = "give each runner a data folder of its own, with --data-dir"
        raise InvalidError("dataDir", [Problem(str(folder), "is in use by another runner", fix)]) from None
    known = os.read(handle, 256).decode().strip()
    if not known:
        known = f"{_host()}-{uuid.uuid4().hex[:8]}"
        os.pwrite(handle, known.encode(), 0)
        os.fsync(handle)
    return known, handle


def _host() -> str:
    return legal_name(socket.gethostname()[:_HOST_LENGTH], dots=False) or "runner"
