"""Modules and command line find a runner beside an API server alike, though neither may import the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
import yaml
from ansible_collections.kabanero.events.plugins.module_utils import beside as modules
from ansible_collections.kabanero.events.plugins.module_utils import client as modules_client
from ansible_collections.kabanero.events.plugins.module_utils import connection as modules_connection
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from kabanero.cli import beside as cli
from kabanero.cli.client import Client
from kabanero.cli.errors import CliError
from kabanero.cli.kubeconfig import Connection

from tests.testbed.pki import Authority
from tests.testbed.processes import free_port

ACCOUNTS_TOKEN = "token-of-the-account"


class Found(NamedTuple):
    """Where a runner is, and what is shown to it and to what lies before it."""

    url: str
    token: str
    runner_token: str
    ca: str


class ApiServer:
    """As far as it is asked here: its version, and tokens for accounts."""

    def __init__(self) -> None:
        self.refuses = False
        self.tokens_asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ApiServer:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        if (method, path) == ("GET", "/version"):
            return 200, {"gitVersion": "v1.34.4"}
        if method == "POST" and path.endswith("/token") and not self.refuses:
            self.tokens_asked.append(path)
            return 201, {"kind": "TokenRequest", "status": {"token": ACCOUNTS_TOKEN}}
        return 403, {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "may not"}


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = server.answer(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """An API server that is no runner."""
    with ApiServer() as started:
        yield started


def by_modules(api: ApiServer, token: str, environ: dict[str, str]) -> Found | str:
    """What the collection's modules find, or why they find nothing."""
    with modules_client.Client(modules_connection.Connection(api.url, "the test", api_key=token)) as client:
        try:
            found = modules.find_runner(client, environ).connection
        except KabaneroError as error:
            return str(error)
        ca = Path(found.ca).read_text() if found.ca and "BEGIN" not in found.ca else found.ca
        return Found(found.host, found.api_key, found.runner_token, ca)


def by_the_command_line(api: ApiServer, token: str, environ: dict[str, str]) -> Found | str:
    """The same of `kabanero`."""
    try:
        found = cli.find_runner(Client(Connection(api.url, "the test", token)), cli.Surroundings(environ)).connection
    except CliError as error:
        return "\n".join([str(error), *error.hints])
    return Found(found.server, found.token, found.runner_token, found.ca)


def both(api: ApiServer, environ: dict[str, str], token: str = "token-of-a-user") -> Found | str:
    """What both say, which is the same."""
    mine, theirs = by_modules(api, token, environ), by_the_command_line(api, token, environ)
    if isinstance(mine, str) or isinstance(theirs, str):
        assert isinstance(mine, str), theirs
        assert isinstance(theirs, str), mine
        return f"{mine}\n{theirs}"
    assert mine == theirs
    return mine


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment in which no runner of this machine is found."""
    return {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}


def local_runner(folder: Path, api_server: str, port: int) -> None:
    """What a runner of this machine leaves in its data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    name = {"cluster": api_server, "user": api_server}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": api_server, "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": api_server, "user": {"token": "token-of-the-folder"}}],
        "contexts": [{"name": api_server, "context": name}],
        "current-context": api_server,
    }
    (folder / "runner.kubeconfig").write_text(yaml.safe_dump(config))


def test_the_environment_says_where_it_is_first_of_all(api: ApiServer, nowhere: dict[str, str], tmp_path: Path) -> None:
    local_runner(tmp_path / "kabanero", api.url, api.port)
    named = nowhere | {"KABANERO_RUNNER_URL": "https://runner.example.com/", "KABANERO_RUNNER_TOKEN": "own"}
    assert both(api, named) == Found("https://runner.example.com", "own", "", "")


def test_without_a_token_of_its_own_it_is_shown_the_users(api: ApiServer, nowhere: dict[str, str]) -> None:
    named = nowhere | {"KABANERO_RUNNER_URL": "https://runner.example.com"}
    assert both(api, named) == Found("https://runner.example.com", "token-of-a-user", "", "")


def test_its_authority_is_named_by_a_file(api: ApiServer, nowhere: dict[str, str], tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority").certificate
    named = nowhere | {"KABANERO_RUNNER_URL": "https://runner.example.com", "KABANERO_RUNNER_CA": str(authority)}
    assert both(api, named) == Found("https://runner.example.com", "token-of-a-user", "", authority.read_text())


def test_no_token_goes_over_the_net_without_tls(api: ApiServer, nowhere: dict[str, str]) -> None:
    said = both(api, nowhere | {"KABANERO_RUNNER_URL": "http://runner.example.com"})
    assert isinstance(said, str)
    assert said.count("a token is not sent without TLS") == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_on_this_machine_it_does(api: ApiServer, nowhere: dict[str, str], host: str) -> None:
    found = both(api, nowhere | {"KABANERO_RUNNER_URL": f"http://{host}:8080"})
    assert found == Found(f"http://{host}:8080", "token-of-a-user", "", "")


@pytest.mark.parametrize("place", ["KABANERO_DATA_DIR", "XDG_DATA_HOME", "HOME"])
def test_a_runner_of_this_machine_is_found_by_its_data_folder(api: ApiServer, tmp_path: Path, place: str) -> None:
    below = {"KABANERO_DATA_DIR": "", "XDG_DATA_HOME": "kabanero", "HOME": ".local/share/kabanero"}[place]
    local_runner(tmp_path / below, api.url, api.port)
    assert both(api, {place: str(tmp_path)}) == Found(f"http://127.0.0.1:{api.port}", "token-of-the-folder", "", "")


def test_a_runner_of_this_machine_that_works_with_another_api_server_is_passed_by(
    api: ApiServer, nowhere: dict[str, str], tmp_path: Path
) -> None:
    local_runner(tmp_path / "kabanero", "https://another.example.com", api.port)
    assert both(api, nowhere) == proxied(api, "kabanero", "kabanero-runner:http")


def test_a_runner_of_this_machine_that_was_killed_is_passed_by(
    api: ApiServer, nowhere: dict[str, str], tmp_path: Path
) -> None:
    local_runner(tmp_path / "kabanero", api.url, free_port())
    assert both(api, nowhere) == proxied(api, "kabanero", "kabanero-runner:http")


def test_else_it_is_its_service_behind_the_api_server(api: ApiServer, nowhere: dict[str, str]) -> None:
    assert both(api, nowhere) == proxied(api, "kabanero", "kabanero-runner:http")


def test_another_service_can_be_named(api: ApiServer, nowhere: dict[str, str]) -> None:
    assert both(api, nowhere | {"KABANERO_RUNNER_SERVICE": "ci/runner:8080"}) == proxied(api, "ci", "runner:8080")


def test_a_service_without_its_namespace_is_refused(api: ApiServer, nowhere: dict[str, str]) -> None:
    said = both(api, nowhere | {"KABANERO_RUNNER_SERVICE": "runner"})
    assert isinstance(said, str)
    assert said.count("NAMESPACE/SERVICE:PORT") == 2


def test_behind_the_api_server_a_token_of_its_own_is_shown_to_it_alone(api: ApiServer, nowhere: dict[str, str]) -> None:
    found = both(api, nowhere | {"KABANERO_RUNNER_TOKEN": "own"})
    assert found == proxied(api, "kabanero", "kabanero-runner:http")._replace(runner_token="own")


def test_who_has_no_token_asks_for_one_of_the_runners_account(api: ApiServer, nowhere: dict[str, str]) -> None:
    found = both(api, nowhere | {"KABANERO_RUNNER_SERVICE": "ci/runner:http"}, token="")
    assert found == proxied(api, "ci", "runner:http")._replace(token="", runner_token=ACCOUNTS_TOKEN)
    assert api.tokens_asked == ["/api/v1/namespaces/ci/serviceaccounts/kabanero-runner/token"] * 2


def test_who_may_not_have_one_is_told_what_to_say_instead(api: ApiServer, nowhere: dict[str, str]) -> None:
    api.refuses = True
    said = both(api, nowhere, token="")
    assert isinstance(said, str)
    for name in ("KABANERO_RUNNER_URL", "KABANERO_RUNNER_TOKEN", "KABANERO_RUNNER_SERVICE=NAMESPACE/NAME:PORT"):
        assert said.count(name) == 2, said


def proxied(api: ApiServer, namespace: str, service: str) -> Found:
    """A Service behind the API server, shown the user's token."""
    url = f"{api.url}/api/v1/namespaces/{namespace}/services/{service}/proxy"
    return Found(url, "token-of-a-user", "token-of-a-user", "")
