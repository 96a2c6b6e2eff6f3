"""GitHub's own description of its API, as a proxy that refuses what does not keep to it, in both directions.

Prism and the description come from npm, pinned by `node/package-lock.json`; only the paths that we use are kept.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import urllib3

from tests.testbed.build import BuildError, alone
from tests.testbed.ending import end
from tests.testbed.parts import CACHE
from tests.testbed.processes import Processes, free_port

NODE = Path(__file__).parent / "node"
DESCRIPTION = "node_modules/@octokit/openapi/generated"
PATHS = ("/hooks", "/installation", "/access_tokens", "/users/{username}/repos", "/user/orgs")
INSTALL_SECONDS = 600


def folder() -> Path:
    """Where it is kept: other versions, another folder."""
    return CACHE / f"prism-{hashlib.sha256((NODE / 'package-lock.json').read_bytes()).hexdigest()[:12]}"


def lacking() -> list[str]:
    """What is not here of it."""
    there = (folder() / "github.json").is_file() and shutil.which("node")
    return [] if there else ["prism"]


def build_prism() -> Path:
    """Installs it into our cache, when it is not there; raises BuildError."""
    target = folder()
    with alone(CACHE):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=CACHE, prefix=".build-") as made:
                place = Path(made) / "prism"
                shutil.copytree(NODE, place)
                _install(place)
                _keep_our_paths(place)
                place.rename(target)
    return target


def _install(place: Path) -> None:
    if not shutil.which("npm"):
        raise BuildError("npm is not on PATH: install Node.js 18 or newer")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")


def _keep_our_paths(place: Path) -> None:
    """The whole description takes Prism 16 s to read."""
    whole: dict[str, Any] = json.loads((place / DESCRIPTION / "api.github.com.deref.json").read_text())
    ours = {path: told for path, told in whole["paths"].items() if any(part in path for part in PATHS)}
    (place / "github.json").write_text(json.dumps({"openapi": whole["openapi"], "info": whole["info"], "paths": ours}))
    shutil.rmtree(place / DESCRIPTION)


class Prism:
    """Stands before an API of ours: `url` answers as that does, or 4xx and 5xx where a side breaks GitHub's rules."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.folder = state.resolve()
        self.processes = Processes(self.folder)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._http = urllib3.PoolManager(retries=False, timeout=10)

    def start(self, upstream: str) -> None:
        """Returns when it takes requests; raises NotReadyError."""
        program = folder() / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
        options = (f"--port={self._port}", "--host=127.0.0.1", "--errors", "--verboseLevel=error")
        self.processes.start("prism", "node", program, "proxy", folder() / "github.json", upstream, *options)
        self.processes.wait_ready("prism", self._answers)

    def stop(self) -> None:
        """Ends it and removes its folder."""
        end(self.folder)

    def _answers(self) -> bool:
        try:
            return bool(self._http.request("GET", f"{self.url}/").status)
        except urllib3.exceptions.HTTPError:
            return False
