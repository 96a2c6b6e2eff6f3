"""A real forge, Gitea, on a loopback port of its own: it takes `git push` and sends signed webhooks, as GitHub does."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import urllib3

from tests.testbed import parts
from tests.testbed.ending import end
from tests.testbed.processes import NotReadyError, Processes, free_port
from tests.testbed.releases import FORGE

ADMIN = "champ"
COMMAND_SECONDS = 120
CREATE_ADMIN = ("admin", "user", "create", "--admin", "--must-change-password=false")
ALL_RIGHTS = ("--access-token", "--access-token-scopes=all")
SETTINGS = """
RUN_USER = {user}
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
STATIC_ROOT_PATH = {static}
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = {url}/
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[repository]
ROOT = {folder}/repositories
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2_v1
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
MODE = console
LEVEL = Warn
"""


class Forge:
    """Gitea in one folder. `url` is where it is, `api` its API, `token` its admin's."""

    programs = FORGE

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.processes = Processes(self.folder)
        self._program = parts.program("gitea")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.api = f"{self.url}/api/v1"
        self.token, self._port = "", port
        self._http = urllib3.PoolManager(retries=False, timeout=30)

    @classmethod
    def lacking(cls) -> list[str]:
        """What is not here of all that it needs."""
        return parts.missing(cls.programs)

    def start(self) -> None:
        """Starts it with an admin, and returns when it answers; raises NotReadyError."""
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        values = {"folder": self.folder, "static": parts.shipped("gitea", ""), "port": self._port, "url": self.url}
        (self.folder / "app.ini").write_text(SETTINGS.format(user=user, **values))
        self._run("migrate")
        made = self._run(
            *CREATE_ADMIN,
            *ALL_RIGHTS,
            f"--username={ADMIN}",
            f"--password={secrets.token_hex(12)}",
            f"--email={ADMIN}@example.com",
        )
        self.token = made.rsplit("Access token was successfully created...", 1)[1].split()[0]
        self.processes.start("gitea", *self._command("web"))
        self.processes.wait_ready("gitea", self._answers)

    def stop(self) -> None:
        """Ends it and removes the folder."""
        end(self.folder)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to its API as the admin; raises AssertionError for what it refuses."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        answer = self._http.request(method, self.api + path, body=content, headers=headers)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data.decode()[:1000]}"
        return json.loads(answer.data or b"null")

    def repository(self, name: str, owner: str = ADMIN) -> str:
        """Makes an empty repository, and the organization that is its owner; returns OWNER/NAME."""
        if owner != ADMIN:
            self.ask("POST", "/orgs", {"username": owner})
        self.ask("POST", "/user/repos" if owner == ADMIN else f"/orgs/{owner}/repos", {"name": name})
        return f"{owner}/{name}"

    def remote(self, repository: str) -> str:
        """The URL that git pushes to as the admin."""
        return f"{self.url.replace('://', f'://{ADMIN}:{self.token}@')}/{repository}.git"

    def _answers(self) -> bool:
        try:
            return self._http.request("GET", f"{self.api}/version").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def _command(self, *arguments: str) -> list[str]:
        return [str(self._program), "--config", str(self.folder / "app.ini"), *arguments]

    def _run(self, *arguments: str) -> str:
        command, limit = self._command(*arguments), COMMAND_SECONDS
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        if done.returncode:
            raise NotReadyError(f"gitea {arguments[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
        return done.stdout
