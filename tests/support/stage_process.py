"""A program with custom stages as a child process, and the git repository that the example builds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.runs import wait

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom-stage"
PROGRAM = EXAMPLE / "multi_platform_build.py"
READY = "Carries out"


class StageProcess:
    """`python PROGRAM`, which finds the API server by a kubeconfig. May be killed, stopped and looked at."""

    def __init__(self, program: Path, kubeconfig: Path, log: Path, *arguments: str, **environment: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        env = {**kept, "HOME": str(log.parent), "KUBECONFIG": str(kubeconfig), **environment}
        self.log = log
        before = self.said
        with log.open("ab") as out:
            self.process = subprocess.Popen([sys.executable, str(program), *arguments], stdout=out, stderr=out, env=env)
        wait(lambda: READY in self.said[len(before) :] or self.process.poll() is not None)
        assert self.process.poll() is None, self.said

    def __enter__(self) -> StageProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    @property
    def said(self) -> str:
        """All that it and its like have logged."""
        return self.log.read_text() if self.log.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def git_repository(folder: Path) -> tuple[str, str]:
    """A repository with a small Python application; its location and commit."""
    folder.mkdir()
    (folder / "__main__.py").write_text('print("hello from a zipapp")\n')
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    who = ("-c", "user.name=champ", "-c", "user.email=champ@mycompany.com")
    for words in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "-m", "An application")):
        subprocess.run(["git", *words], cwd=folder, env=env, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, env=env, check=True, capture_output=True, text=True)
    return str(folder), done.stdout.strip()
