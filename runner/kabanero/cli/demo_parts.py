"""What the demo is made of: a repository, a secret, a push, and a runner as a child process. Used by `demo` alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kabanero.cli.errors import OutcomeError, UsageError
from kabanero.cli.session import Session

FORGE = "https://github.com/kabanero-demo"
REPOSITORY = "hello-service"
BRANCH = "master"
STOP_SECONDS = 15


def find_examples() -> Path:
    """The collection's examples: beside this checkout, or where Ansible's collections lie. Raises UsageError."""
    checkout = Path(__file__).resolve().parents[3]
    places = [checkout, *(Path(entry) / "ansible_collections/kabanero/events" for entry in sys.path)]
    places.append(Path.home() / ".ansible/collections/ansible_collections/kabanero/events")
    for place in places:
        if (place / "examples" / "demo").is_dir():
            return place / "examples"
    raise UsageError("the demo needs the collection kabanero.events; install it with ansible-galaxy")


def short_path(path: Path) -> Path:
    """As it is typed here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's folder: data of the runner, repositories, and what was built and deployed."""

    folder: Path
    examples: Path

    @property
    def data(self) -> Path:
        """Data folder of the runner."""
        return self.folder / "data"

    @property
    def registry(self) -> Path:
        """Where artifacts and releases go: a folder instead of an image registry."""
        return self.folder / "registry"

    @property
    def config(self) -> Path:
        """Configuration of the runner."""
        return self.folder / "kabanero.yaml"

    def prepare(self) -> None:
        """Makes the folder, the configuration and the webhook's secret."""
        self.folder.mkdir(parents=True, exist_ok=True)
        values = {
            "dataDir": str(self.data),
            "projectDir": str(self.folder),
            "listener": {"listen": "127.0.0.1:0"},
            "values": {"docker_registry": str(self.registry)},
        }
        self.config.write_text(yaml.safe_dump(values))
        secret = self.folder / "webhook-secret"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_hex(24))

    def command(self) -> str:
        """How a person starts the demo's runner again."""
        return f"kabanero serve --config {short_path(self.config)}"

    def activation(self) -> str:
        """How a shell is told where this `kabanero` is, for a person whose PATH doesn't have it."""
        programs = Path(sys.executable).parent
        if (programs / "activate").is_file():
            return f". {short_path(programs / 'activate')}"
        return f"PATH={short_path(programs)}:$PATH"

    def environment(self) -> dict[str, str]:
        """git takes the local repository for the one on the forge."""
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{(self.folder / 'repositories').as_uri()}/.insteadOf",
            "GIT_CONFIG_VALUE_0": f"{FORGE}/",
        }

    def apply(self, session: Session) -> None:
        """The secret, then the example's resources."""
        secret = base64.b64encode((self.folder / "webhook-secret").read_bytes()).decode()
        hook = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "github-webhook"},
            "data": {"secret": secret},
        }
        _put(session, hook)
        for file in sorted((self.examples / "demo").glob("*.yaml")):
            for resource in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                _put(session, resource)

    def commit(self) -> str:
        """One more commit of the sample service in the local repository; returns its id."""
        checkout = self.folder / "repositories" / REPOSITORY
        shutil.copytree(self.examples / REPOSITORY, checkout, dirs_exist_ok=True)
        if not (checkout / ".git").exists():
            _git(checkout, "init", "--quiet", f"--initial-branch={BRANCH}")
        _git(checkout, "add", "--all")
        who = ("-c", "user.name=champ", "-c", "user.email=champ@mycompany.com")
        _git(checkout, *who, "commit", "--quiet", "--allow-empty", "--message=Say hello")
        return _git(checkout, "rev-parse", "HEAD")

    def push(self, url: str, commit: str) -> int:
        """Sends the push as GitHub would, signed; returns the HTTP status."""
        import urllib3

        body = json.dumps(_payload(commit)).encode()
        secret = (self.folder / "webhook-secret").read_bytes()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
        }
        # The key ring follows the store: the secret that was just made may take a moment to be known.
        retries = urllib3.Retry(10, status_forcelist=(401, 503), allowed_methods=None, backoff_factor=0.05)
        answer = urllib3.PoolManager(retries=retries).request("POST", f"{url}/webhook", body=body, headers=headers)
        return answer.status

    def decide(self, session: Session, run: str, decision: str, by: str) -> None:
        """Approves or rejects the stage that waits."""
        from kabanero.cli.decide import waiting_for_approval
        from kabanero.cli.runs import find_run, patch_stage_run

        for waiting in waiting_for_approval(session, find_run(session, run)):
            approval = {"decision": decision, "by": by, "reason": "seen in the demo"}
            patch_stage_run(session, waiting["metadata"]["name"], {"approval": approval})


class DemoRunner:
    """`kabanero serve` as a child process for as long as the demo takes."""

    def __init__(self, parts: Demo, *, keep: bool) -> None:
        self._parts, self._keep = parts, keep
        self.url = ""

    def __enter__(self) -> DemoRunner:
        # A closed terminal or a kill ends the demo as Ctrl-C does: the runner is not left behind.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        self._parts.prepare()
        log = self._parts.folder / "runner.log"
        self._process = self._start(log)
        try:
            assert self._process.stdout
            line = self._process.stdout.readline()
        except BaseException:
            self._stop()
            raise
        if not line.startswith("ready "):
            raise OutcomeError("the runner did not start", log.read_text(encoding="utf-8").splitlines()[-10:])
        self.url = line.split()[1]
        return self

    def _start(self, log: Path) -> subprocess.Popen[str]:
        parts = self._parts
        command = [sys.executable, "-m", "kabanero", "serve", "--config", str(parts.config)]
        environment = os.environ | parts.environment()
        with log.open("wb") as errors:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._keep or kind is KeyboardInterrupt:
            self._stop()

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _put(session: Session, resource: dict[str, Any]) -> None:
    """Creates a resource, or brings the one that is there to this state."""
    from kabanero.cli.answers import AnswerError

    metadata = resource["metadata"]
    namespace = metadata.get("namespace", session.namespace)
    base = "/api/v1" if resource["apiVersion"] == "v1" else f"/apis/{resource['apiVersion']}"
    path = f"{base}/namespaces/{namespace}/{resource['kind'].lower()}s"
    try:
        session.client.create(path, resource)
    except AnswerError as error:
        if error.status != 409:
            raise
        session.client.patch(f"{path}/{metadata['name']}", resource)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise UsageError("the demo needs git; install it and try again") from None
    except subprocess.CalledProcessError as error:
        raise OutcomeError(f"git {arguments[0]} failed", [error.stderr.strip()]) from None
    return done.stdout.strip()


def _payload(commit: str) -> dict[str, Any]:
    owner = FORGE.rsplit("/", 1)[1]
    return {
        "ref": f"refs/heads/{BRANCH}",
        "before": "0" * 40,
        "after": commit,
        "repository": {
            "name": REPOSITORY,
            "full_name": f"{owner}/{REPOSITORY}",
            "html_url": f"{FORGE}/{REPOSITORY}",
            "clone_url": f"{FORGE}/{REPOSITORY}.git",
            "default_branch": BRANCH,
            "owner": {"login": owner, "name": owner},
        },
        "head_commit": {"id": commit, "message": "Say hello"},
        "pusher": {"name": "champ"},
        "sender": {"login": "champ"},
    }
