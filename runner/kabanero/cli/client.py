"""The resource API over HTTP: the same for the runner's own server and for a Kubernetes API server.

Every command talks through this. Errors come out as the CLI's own, saying who refused what and what to do about it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError, SSLError

from kabanero.cli.answers import answer_error
from kabanero.cli.errors import CliError, StreamBrokenError, UnreachableError
from kabanero.cli.kubeconfig import Connection
from kabanero.cli.media import JSON, MERGE_PATCH

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
PIECE = 65536


class Client:
    """One user's view of one API server. Safe to use from several threads. `timeout` bounds each answer, in seconds."""

    def __init__(self, connection: Connection, timeout: float = READ_SECONDS) -> None:
        self.connection = connection
        self._base = urlsplit(connection.server)
        if self._base.scheme not in ("http", "https") or not self._base.hostname:
            raise UnreachableError(f"{connection.server!r} is no address of a server", [connection.origin])
        self._timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout)
        self._pool = _pool(connection, self._base.hostname, self._base.port)

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> Any:
        """The JSON at a path. Raises AnswerError, UnreachableError."""
        return self._json("GET", path, query, accept=accept)

    def create(self, path: str, body: Any, query: Mapping[str, str] | None = None) -> Any:
        """POST of an object; what the server made of it."""
        return self._json("POST", path, query, body)

    def replace(self, path: str, body: Any, query: Mapping[str, str] | None = None) -> Any:
        """PUT of an object."""
        return self._json("PUT", path, query, body)

    def patch(self, path: str, body: Any, query: Mapping[str, str] | None = None) -> Any:
        """JSON merge patch."""
        return self._json("PATCH", path, query, body, content_type=MERGE_PATCH)

    def delete(self, path: str, query: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """DELETE; the object as it was, or a Status."""
        return self._json("DELETE", path, query, body)

    def stream(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        accept: str = "*/*",
        silence: float | None = None,
    ) -> Iterator[bytes]:
        """The answer as it comes, in pieces; it has begun when this returns. Raises AnswerError, UnreachableError.

        `silence`: seconds without a byte after which it counts as broken. Under way it raises StreamBrokenError.
        """
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=silence)
        response = self._send("GET", path, query, None, {"Accept": accept}, timeout=timeout, preload=False)
        if response.status >= 400:
            raise self._failure(response.status, response.read(), path)
        return _pieces(response)

    def lines(
        self, path: str, query: Mapping[str, str], *, accept: str = JSON, silence: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """A stream of JSON objects, one a line: a watch. Begun and broken as `stream`."""
        return _objects(self.stream(path, query, accept=accept, silence=silence))

    def close(self) -> None:
        """Closes idle connections."""
        self._pool.close()

    def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any = None,
        *,
        accept: str = JSON,
        content_type: str = JSON,
    ) -> Any:
        headers = {"Accept": accept} | ({"Content-Type": content_type} if body is not None else {})
        data = json.dumps(body).encode() if body is not None else None
        response = self._send(method, path, query, data, headers)
        if response.status >= 400:
            raise self._failure(response.status, response.data, path)
        try:
            return json.loads(response.data)
        except ValueError as error:
            raise UnreachableError(f"{self.connection.server} answered no JSON: is it a runner?") from error

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: urllib3.Timeout | None = None,
        preload: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._base.path}{path}" + (f"?{urlencode(query)}" if query else "")
        every = {**_authorization(self.connection), "User-Agent": "kabanero-cli", **(headers or {})}
        try:
            return self._pool.urlopen(
                method, url, body, every, timeout=timeout or self._timeout, preload_content=preload, redirect=False
            )
        except (HTTPError, OSError) as error:
            raise _unreachable(self.connection, error) from error

    def _failure(self, status: int, body: bytes, path: str) -> CliError:
        return answer_error(status, body, path, self.connection)


def _pieces(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        while piece := response.read1(PIECE):
            yield piece
    except (HTTPError, OSError) as error:
        raise StreamBrokenError(str(error)) from error
    finally:
        response.close()


def _objects(pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    rest = b""
    for piece in pieces:
        *complete, rest = (rest + piece).split(b"\n")
        yield from (json.loads(line) for line in complete if line.strip())


def _pool(connection: Connection, host: str, port: int | None) -> urllib3.HTTPConnectionPool:
    retries = urllib3.Retry(0, redirect=False, raise_on_status=False)
    if connection.server.startswith("http://"):
        return urllib3.HTTPConnectionPool(host, port or 80, maxsize=4, retries=retries)
    name = connection.tls_name or None
    return urllib3.HTTPSConnectionPool(
        host,
        port or 443,
        maxsize=4,
        retries=retries,
        ssl_context=_tls(connection),
        server_hostname=name,
        assert_hostname=False if connection.insecure else name,
    )


def _tls(connection: Connection) -> Any:
    import ssl

    context = ssl.create_default_context(cadata=connection.ca or None)
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if connection.certificate:
        _load_certificate(context, connection)
    return context


def _load_certificate(context: Any, connection: Connection) -> None:
    """Python's ssl takes client certificates from files only; this one is readable for its owner and soon gone."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{connection.certificate.rstrip()}\n{connection.key}")
        file.flush()
        context.load_cert_chain(Path(file.name))


def _authorization(connection: Connection) -> dict[str, str]:
    for_runner = {"X-Kabanero-Token": connection.runner_token} if connection.runner_token else {}
    if connection.token:
        return {"Authorization": f"Bearer {connection.token}", **for_runner}
    if connection.username:
        return {**urllib3.make_headers(basic_auth=f"{connection.username}:{connection.password}"), **for_runner}
    return for_runner


def _unreachable(connection: Connection, error: Exception) -> UnreachableError:
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    address = f"{connection.server} (from {connection.origin})"
    if isinstance(cause, SSLError):
        hint = "certificate-authority-data of the kubeconfig is another server's, or older; take the server's own again"
        return UnreachableError(f"the TLS certificate of {address} is not accepted: {cause}", [hint])
    if isinstance(cause, ReadTimeoutError):
        return UnreachableError(f"{address} did not answer in time")
    why = "connection refused" if "refused" in str(cause) else " ".join(str(cause).split())
    if isinstance(cause, NewConnectionError) and "refused" not in why:
        why = why.rpartition(": ")[2]
    return UnreachableError(f"no runner answers at {address}: {why}", _start_hint(connection))


def _start_hint(connection: Connection) -> list[str]:
    file = Path(connection.origin.partition(", context")[0])
    if file.name == "kubeconfig":
        return [f"start it with: kabanero serve --data-dir {file.parent}"]
    return ["is it running? or name another with --kubeconfig FILE or --data-dir DIR"]
