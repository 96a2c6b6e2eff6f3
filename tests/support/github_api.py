"""GitHub's API as far as webhooks need it: stateful, and held to GitHub's own description by Prism in front of it.

GitHub itself can't be reached by tests. What the description leaves open follows GitHub's documents: a secret is
never told, `config` is replaced as a whole, who may not see a place gets 404, rate limits are 403 or 429.
"""

from __future__ import annotations

import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.github_hooks import Hooks, RefusedError

TOKEN, APP, INSTALLATION = "ghp_of-the-test", "4711", 99
APP_TOKEN = "ghs_of-the-installation"
PLACE = re.compile(r"(/repos/[^/]+/[^/]+|/orgs/[^/]+)(/.*)")


class Fault(NamedTuple):
    """One answer in place of the right one."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


class GithubApi:
    """Serves on a loopback port while it is entered. `places` holds the hooks by `/repos/OWNER/NAME` or `/orgs/NAME`.

    `hosts` says where addresses lead that a document takes for an example.

    `described` are the paths of GitHub's description; what we don't care for in answers is filled from its examples.
    """

    def __init__(self, described: dict[str, Any], *places: str) -> None:
        self.described = described
        self.places = {place: Hooks(place) for place in places}
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.limit_page = 100
        self.lose_writes = 0
        self.hosts: dict[str, str] = {}
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> GithubApi:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def private_key(self) -> str:
        """The App's, as PEM."""
        pem, format = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
        return self.key.private_bytes(pem, format, serialization.NoEncryption()).decode()

    def fail(self, status: int, message: str, times: int = 1, **headers: str) -> None:
        """Lets the next requests be answered like this; `_` in the name of a header stands for `-`."""
        body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults += [Fault(status, body, named)] * times

    def serve(self, method: str, target: str, login: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """As `answer`; of the next `lose_writes` writes, what was done is done, but the answer is lost on its way."""
        told = self.answer(method, target, login, body)
        if method != "GET" and self.lose_writes:
            self.lose_writes -= 1
            return 502, {"message": "Server Error", "documentation_url": "https://docs.github.com/rest"}, {}
        return told

    def answer(self, method: str, target: str, login: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of one answer; raises RefusedError."""
        parts = urlsplit(target)
        self.asked.append(f"{method} {parts.path}")
        if self.faults:
            return self.faults.pop(0)
        if parts.path.startswith("/app/") or parts.path.endswith("/installation"):
            return self._for_app(method, parts.path, login)
        if login not in (f"token {TOKEN}", f"token {APP_TOKEN}"):
            raise RefusedError(401, "Bad credentials")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if named := re.fullmatch(r"/users/([^/]+)/repos", parts.path):
            return self._repositories(named[1])
        if parts.path == "/user/orgs":
            names = [place.split("/")[2] for place in self.places if place.startswith("/orgs/")]
            return 200, [self._example("/user/orgs")[0] | {"login": name} for name in names], {}
        matched = PLACE.fullmatch(parts.path)
        if not matched or matched[1] not in self.places:
            raise RefusedError(404, "Not Found")
        return self._hooks(method, self.places[matched[1]], matched[2], query, body)

    def _hooks(self, method: str, hooks: Hooks, path: str, query: dict[str, str], body: Any) -> Any:
        _, _, id, *rest = [*path.split("/"), ""]
        action = rest[0] if rest else ""
        if path == "/hooks":
            if method == "POST":
                made = hooks.create(body)
                made.ping(self.url, self.hosts)
                return 201, made.told(self.url), {}
            return self._page([hook.told(self.url) for hook in hooks.all.values()], query)
        hook = hooks.find(id)
        if (method, action) == ("POST", "pings"):
            hook.ping(self.url, self.hosts)
            return 204, None, {}
        if action == "deliveries":
            return 200, hook.deliveries[: int(query.get("per_page", 30))], {}
        if method == "DELETE":
            del hooks.all[hook.id]
            return 204, None, {}
        if method == "PATCH":
            hooks.change(hook, body)
        return 200, hook.told(self.url), {}

    def _page(self, items: list[Any], query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        size, page = min(self.limit_page, int(query.get("per_page", 30))), int(query.get("page", 1))
        more = len(items) > page * size
        link = {"Link": f'<{self.url}/x?page={page + 1}>; rel="next"'} if more else {}
        return 200, items[(page - 1) * size : page * size], link

    def _repositories(self, owner: str) -> tuple[int, Any, dict[str, str]]:
        sample = self._example("/users/{username}/repos")[0]
        names = [place.split("/")[3] for place in self.places if place.startswith(f"/repos/{owner}/")]
        return 200, [sample | {"name": name, "full_name": f"{owner}/{name}"} for name in names], {}

    def _for_app(self, method: str, path: str, login: str) -> tuple[int, Any, dict[str, str]]:
        try:
            told = jwt.decode(login.removeprefix("Bearer "), self.key.public_key(), ["RS256"])
        except jwt.InvalidTokenError as error:
            raise RefusedError(401, f"A JSON web token could not be decoded: {error}") from None
        if str(told["iss"]) != APP:
            raise RefusedError(404, "Integration not found")
        if path == f"/app/installations/{INSTALLATION}/access_tokens" and method == "POST":
            expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
            return 201, {"token": APP_TOKEN, "expires_at": expiry, "permissions": {"metadata": "read"}}, {}
        place = path.removesuffix("/installation")
        if place not in self.places:
            raise RefusedError(404, "Not Found")
        sample = self._example("/repos/{owner}/{repo}/installation")
        return 200, sample | {"id": INSTALLATION, "app_id": int(APP)}, {}

    def _example(self, path: str) -> Any:
        told = self.described[path]["get"]["responses"]["200"]["content"]["application/json"]["examples"]
        return next(iter(told.values()))["value"]


def _handler(api: GithubApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = json.loads(body) if body else None
            try:
                status, told, headers = api.serve(
                    self.command, self.path, self.headers.get("Authorization") or "", given
                )
            except RefusedError as error:
                status, told, headers = error.status, error.body, {}
            content = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler
