"""The embedded API on the real SQLite store and a real socket, inside the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import urllib3
from kabanero.api.access import Tokens, User
from kabanero.api.certificate import CertificateFiles, Trust
from kabanero.api.embedded import EmbeddedApi
from kabanero.api.kubeconfig import secure, write_kubeconfig
from kabanero.api.server import HttpServer, Listener
from kabanero.clock import SystemClock
from kabanero.stores.sqlite import SqliteStore, StoreSettings

TOKEN = "token-of-the-test-admin"
GROUP = "/apis/kabanero.io/v1alpha1"


@dataclass(frozen=True)
class Answer:
    """What came back: `json` is the decoded body."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class ApiServer:
    """A running API."""

    folder: Path
    url: str
    api: EmbeddedApi
    store: SqliteStore

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One HTTP request; `body` is sent as JSON unless it is bytes."""
        sent = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        return await asyncio.to_thread(self._call, method, path, data, sent | (headers or {}))

    def _call(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        with urllib3.PoolManager() as pool:
            reply = pool.request(method, self.url + path, body=data, headers=headers, timeout=20, retries=False)
            return Answer(reply.status, reply.headers, reply.data)

    async def run(self, *command: str | Path, stdin: str = "", **environment: str) -> tuple[int, str, str]:
        """A program that finds this server by KUBECONFIG: exit code, stdout, stderr."""
        process = await self.start(*command, **environment)
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 120)
        return process.returncode or 0, out.decode(), err.decode()

    async def start(self, *command: str | Path, **environment: str) -> asyncio.subprocess.Process:
        """The program, still running."""
        pipe = asyncio.subprocess.PIPE
        env = os.environ | {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)} | environment
        return await asyncio.create_subprocess_exec(*map(str, command), stdin=pipe, stdout=pipe, stderr=pipe, env=env)


@contextlib.asynccontextmanager
async def serve_api(
    folder: Path, own: CertificateFiles, settings: StoreSettings | None = None
) -> AsyncIterator[ApiServer]:
    """An API with its store in `folder`, and a kubeconfig for it."""
    tokens = Tokens()
    tokens.add(TOKEN, User("tester"))
    store = await SqliteStore.open(folder / "store.db", SystemClock(), settings)
    api = EmbeddedApi(store, SystemClock(), tokens)
    await api.prepare()
    server = HttpServer([Listener("127.0.0.1:0", api.app, own=own)])
    await server.start()
    loops = asyncio.create_task(api.run())
    url = secure(server.urls[0])
    write_kubeconfig(folder / "kubeconfig", url, TOKEN, trust=Trust(own.certificate), namespace="default")
    try:
        yield ApiServer(folder, server.urls[0], api, store)
    finally:
        loops.cancel()
        await asyncio.gather(loops, return_exceptions=True)
        api.close()
        await server.close()
        await store.close()
