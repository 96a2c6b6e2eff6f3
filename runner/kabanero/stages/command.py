"""One command of a stage: started under the guard, ended with all that it began, its output kept in files.

Used by `Context.run`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GUARD = Path(__file__).with_name("guard.py")
GRACE_SECONDS = 5.0
LONGEST_OUTPUT = 10_000_000
"""Most that is handed back of a command's output, in bytes; the end counts."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left: its exit code and its output, the last 10 MB of each."""

    code: int
    stdout: str
    stderr: str


class Command:
    """A command that runs. `stop` may be called by any thread, at any time."""

    def __init__(self, words: Sequence[str | os.PathLike[str]], cwd: Path, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - read and closed by wait
        self._err: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        lifeline, self._held = os.pipe()
        guard = [sys.executable, "-I", "-S", str(GUARD), str(lifeline), str(GRACE_SECONDS)]
        try:
            self._process = subprocess.Popen(
                [*guard, *(os.fspath(word) for word in words)],
                cwd=cwd,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=self._out,
                stderr=self._err,
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(lifeline)

    def stop(self) -> None:
        """Ends it with all its children: SIGTERM, then SIGKILL 5 s later. Returns at once."""
        with self._lock:
            if self._held >= 0:
                os.close(self._held)
                self._held = -1

    def wait(self) -> Finished:
        """Returns when it has ended, and with it all that it began."""
        try:
            code = self._process.wait()
        finally:
            self.stop()
        return Finished(code, _tail(self._out), _tail(self._err))


def _tail(file: IO[bytes]) -> str:
    with file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - LONGEST_OUTPUT, 0))
        return file.read().decode(errors="replace")
