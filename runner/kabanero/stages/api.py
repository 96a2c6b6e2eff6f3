"""The few requests that the library makes of the resource API: read, list, watch, and write a status.

Requests go straight through the urllib3 pool of the official client: a watch that ends, breaks or falls silent is then
told apart here, and errors come out as `kabanero.model.errors`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from kabanero.model.errors import ConflictError, ExpiredError, KabaneroError, NotFoundError
from kabanero.model.resource import API_VERSION, Resource
from kabanero.stages.connection import Connection
from kabanero.stages.errors import ApiUnavailableError, NotAllowedError, RefusedError, UnknownStageError

BASE = f"/apis/{API_VERSION}"
READ_SECONDS = 30.0
WATCH_SECONDS = 60
SILENCE_SECONDS = WATCH_SECONDS + 15.0
PAGE = 500
PIECE = 65536
_ERRORS: dict[int, type[KabaneroError]] = {
    **dict.fromkeys((401, 408, 429, 500, 502, 503, 504), ApiUnavailableError),
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
}


class Api:
    """One API server. Safe to use from several threads. `connect` is asked again after a break."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._plurals: dict[str, str] = {}

    @property
    def connection(self) -> Connection:
        """The connection, found when first asked for. Raises NoConnectionError."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def get(self, path: str, query: Mapping[str, str] | None = None, *, seconds: float = READ_SECONDS) -> Any:
        """The JSON at a path.

        Raises NotFoundError, ExpiredError, NotAllowedError, RefusedError, ApiUnavailableError.
        """
        return self._json("GET", path, query, None, seconds)

    def put(self, path: str, body: Resource, *, seconds: float = READ_SECONDS) -> Resource:
        """Replaces what is at a path; raises ConflictError when the body's resourceVersion is not the newest."""
        answer: Resource = self._json("PUT", path, None, body, seconds)
        return answer

    def list(self, path: str, query: Mapping[str, str]) -> tuple[list[Resource], str]:
        """All of a collection, and the resourceVersion from which to watch on."""
        found: list[Resource] = []
        token = ""
        while True:
            page = self.get(path, {**query, "limit": str(PAGE), **({"continue": token} if token else {})})
            found += page["items"]
            token = page["metadata"].get("continue") or ""
            if not token:
                return found, str(page["metadata"]["resourceVersion"])

    def watch(self, path: str, query: Mapping[str, str], since: str) -> Iterator[tuple[str, Resource]]:
        """Changes as (type, resource) until the server ends the stream; it has begun when this returns.

        Raises ExpiredError when `since` is too old, now or under way, else as `get`.
        """
        extra = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        wanted = {**query, **extra, "resourceVersion": since}
        response = self._send("GET", path, wanted, None, SILENCE_SECONDS, preload=False)
        if response.status >= 400:
            raise _refusal(response.status, response.read())
        return _changes(response)

    def stage(self, namespace: str, kind: str, name: str) -> Resource:
        """The stage resource of a kind. Raises UnknownStageError; ApiUnavailableError."""
        try:
            plural = self._plurals.get(kind) or self._discovered(kind)
            found: Resource = self.get(f"{BASE}/namespaces/{namespace}/{plural}/{name}")
        except NotFoundError:
            raise UnknownStageError(f"there is no {kind} {name} in namespace {namespace}") from None
        except NotAllowedError as error:
            raise UnknownStageError(f"{kind} {name} may not be read: {error}") from error
        return found

    def _discovered(self, kind: str) -> str:
        served = self.get(BASE)["resources"]
        self._plurals = {each["kind"]: each["name"] for each in served if "/" not in each["name"]}
        if kind not in self._plurals:
            raise UnknownStageError(f"the API server knows no kind {kind}: declare it (kabanero crds -f STAGEKIND)")
        return self._plurals[kind]

    def _json(self, method: str, path: str, query: Mapping[str, str] | None, body: Any, seconds: float) -> Any:
        response = self._send(method, path, query, body, seconds)
        if response.status >= 400:
            if response.status == 401:
                self._forget()
            raise _refusal(response.status, response.data)
        try:
            return json.loads(response.data)
        except ValueError as error:
            raise ApiUnavailableError(f"{path} was answered without JSON") from error

    def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, seconds: float, preload: bool = True
    ) -> urllib3.BaseHTTPResponse:
        connection = self.connection
        url = connection.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"accept": "application/json", "user-agent": "kabanero-stages", **connection.headers()}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["content-type"] = "application/json"
        timeout = urllib3.Timeout(connect=min(5.0, seconds), read=seconds)
        try:
            return connection.pool.request(
                method, url, body=data, headers=headers, timeout=timeout, retries=False, preload_content=preload
            )
        except (HTTPError, OSError) as error:
            self._forget()
            raise ApiUnavailableError(f"{connection.host} (from {connection.origin}): {error}") from error

    def _forget(self) -> None:
        with self._lock:
            self._connection = None


def _changes(response: urllib3.BaseHTTPResponse) -> Iterator[tuple[str, Resource]]:
    rest = b""
    try:
        while piece := response.read1(PIECE):
            *lines, rest = (rest + piece).split(b"\n")
            for line in filter(None, lines):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _error(int(event["object"].get("code") or 500), str(event["object"].get("message")))
                yield event["type"], event["object"]
    except (HTTPError, OSError, ValueError) as error:
        raise ApiUnavailableError(f"the watch broke off: {error}") from error
    finally:
        response.close()


def _refusal(code: int, body: bytes) -> KabaneroError:
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = f"HTTP {code} {body[:200].decode(errors='replace')}".strip()
    return _error(code, str(message))


def _error(code: int, message: str) -> KabaneroError:
    return _ERRORS.get(code, RefusedError)(message)
