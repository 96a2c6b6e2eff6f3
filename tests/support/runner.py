"""A real runner as a child process, for end-to-end tests: `with Runner(tmp_path) as runner: ...`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import yaml

SECRET = "s3cret-of-the-test"
STOP_SECONDS = 90
API = "/apis/kabanero.io/v1alpha1/namespaces/kabanero"


class Runner:
    """`kabanero serve` on a folder of its own. May be killed and started again on the same data."""

    def __init__(self, folder: Path, *, config: dict[str, Any] | None = None, scheme: str = "http") -> None:
        self.scheme = scheme
        self.command = [str(Path(sys.executable).parent / "kabanero")]
        self.data, self.project = folder / "data", folder / "project"
        self.project.mkdir(parents=True, exist_ok=True)
        self.log = folder / "runner.log"
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(config or {}))
        self.address, self.port = "127.0.0.1", 0
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Runner:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Starts it and returns the seconds until it was ready."""
        began = time.monotonic()
        command = [*self.command, "serve", "--data-dir", str(self.data)]
        command += [
            "--listen",
            f"{self.address}:{self.port}",
            "--project-dir",
            str(self.project),
            "--config",
            str(self.config),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith(f"ready {self.scheme}://"), f"not ready: {line!r}\n{self.log.read_text()[-3000:]}"
        self.url = line.split()[1]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.token = (self.data / "token").read_text().strip()
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, as an init system would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise

    def request(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        """One API request; raises urllib.error.HTTPError."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", content)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def apply(self, *resources: dict[str, Any]) -> None:
        """Creates resources; what is there already stays."""
        for resource in resources:
            core = resource["apiVersion"] == "v1"
            plural = {"Secret": "secrets"}.get(resource["kind"], resource["kind"].lower() + "s")
            base = "/api/v1/namespaces/kabanero" if core else API
            try:
                self.request("POST", f"{base}/{plural}", resource)
            except urllib.error.HTTPError as error:
                if error.code != 409:
                    raise AssertionError(error.read().decode()) from error

    def source(self, url: str = "https://github.com/acme/shop") -> None:
        """Makes the webhook secret and the source for a repository."""
        encoded = base64.b64encode(SECRET.encode()).decode()
        self.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"}, "data": {"secret": encoded}},
            resource("GithubEventSource", "shop", {"url": url, "webhookSecret": {"name": "hook", "key": "secret"}}),
        )

    def push(self, branch: str = "main", *, commit: str = "c0ffee", delivery: str = "", **payload: Any) -> int:
        """Sends one signed push; returns the HTTP status, or 0 when no answer came."""
        return self.deliver(branch, commit=commit, delivery=delivery, **payload)[0]

    def deliver(
        self, branch: str = "main", *, commit: str = "c0ffee", delivery: str = "", **payload: Any
    ) -> tuple[int, str]:
        """The same; also what the answer says."""
        body = json.dumps(push_payload(branch, commit) | payload).encode()
        request = urllib.request.Request(self.url + "/webhook", body, method="POST")
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        for name, value in {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
            "X-Hub-Signature-256": f"sha256={signature}",
        }.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def runs(self) -> list[dict[str, Any]]:
        """All StrategyRuns."""
        return list(self.request("GET", f"{API}/strategyruns")["items"])

    def wait_for_runs(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """Polls until that many runs have ended."""
        deadline = time.monotonic() + seconds
        while True:
            runs = self.runs()
            ended = [run for run in runs if run.get("status", {}).get("completionTime")]
            if len(ended) >= count:
                return ended
            if time.monotonic() > deadline:
                open_runs = [run for run in runs if run not in ended]
                raise AssertionError(f"{len(ended)} of {count} runs ended; open: {json.dumps(open_runs[:2])[:4000]}")
            time.sleep(0.05)


def resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A kabanero.io resource."""
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "kabanero"},
        "spec": spec,
    }


def push_payload(branch: str, commit: str) -> dict[str, Any]:
    """What GitHub sends for a push, cut down to what matters here."""
    return {
        "ref": f"refs/heads/{branch}",
        "before": "0" * 40,
        "after": commit,
        "repository": {
            "name": "shop",
            "full_name": "acme/shop",
            "html_url": "https://github.com/acme/shop",
            "clone_url": "https://github.com/acme/shop.git",
            "owner": {"login": "acme", "name": "acme"},
        },
        "head_commit": {"id": commit, "message": "a change"},
        "pusher": {"name": "champ"},
        "sender": {"login": "champ"},
    }


def descendants(pid: int) -> list[int]:
    """Child processes, and theirs."""
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if int(fields[1]) == parent:
                    found.append(int(entry.name))
                    todo.append(int(entry.name))
    return found


assert os.name == "posix"
