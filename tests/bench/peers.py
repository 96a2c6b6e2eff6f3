"""The peers: ansible-rulebook in an environment of its own, and ansible-runner as it comes (cold)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kabanero" / "bench"
RULEBOOK = ("ansible-rulebook==1.3.2", "ansible-core==2.19.14", "ansible-runner==2.4.3")


def rulebook_binary() -> Path | None:
    """ansible-rulebook, installed on first use; None without Java."""
    if not shutil.which("java"):
        print("ansible-rulebook is left out: it needs Java 17 (install a JDK)", file=sys.stderr)
        return None
    binary = CACHE / "rulebook" / "bin" / "ansible-rulebook"
    if not binary.exists():
        print("installing ansible-rulebook (once) ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / "rulebook")], check=True)
        pip = [str(binary.parent / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *RULEBOOK], check=True)
    return binary


class Rulebook:
    """ansible-rulebook with one rule: a signed webhook runs one playbook."""

    def __init__(self, folder: Path, playbook: Path, secret: str, port: int) -> None:
        self._folder, self._playbook, self._secret, self.port = folder, playbook, secret, port

    def __enter__(self) -> Rulebook:
        binary = rulebook_binary()
        assert binary
        rulebook, inventory = self._folder / "rulebook.yml", self._folder / "inventory.yml"
        rulebook.write_text(yaml.safe_dump([self._rules()]))
        inventory.write_text("all:\n  hosts:\n    localhost:\n      ansible_connection: local\n")
        environment = os.environ | {"PATH": f"{binary.parent}:{os.environ['PATH']}"}
        command = [str(binary), "-r", str(rulebook), "-i", str(inventory), "-S", str(self._folder)]
        with (self._folder / "rulebook.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self._folder)
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _rules(self) -> dict[str, object]:
        source = {"host": "127.0.0.1", "port": self.port, "hmac_secret": self._secret, "hmac_format": "hex"}
        return {
            "name": "push",
            "hosts": "all",
            "execution_strategy": "parallel",
            "sources": [{"eda.builtin.webhook": source}],
            "rules": [
                {
                    "name": "push",
                    "condition": "event.payload.ref is defined",
                    "action": {"run_playbook": {"name": str(self._playbook)}},
                }
            ],
        }

    def _wait(self) -> None:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError((self._folder / "rulebook.log").read_text()[-2000:])
