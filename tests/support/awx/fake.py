"""The fake itself: its server in a thread of its own, and what tests do to it. Used by tests through `FakeAwx`."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from tests.support.awx.faults import Fault
from tests.support.awx.jobs import Jobs
from tests.support.awx.launching import Launching
from tests.support.awx.oauth import OAuth
from tests.support.awx.people import People
from tests.support.awx.playing import Player
from tests.support.awx.resources import Resources
from tests.support.awx.routes import Routes
from tests.support.awx.scripts import Script
from tests.support.awx.stock import stock
from tests.support.awx.tables import Row, Tables

T = TypeVar("T")


class FakeAwx:
    """Serves from `start` to `stop`, and after a further `start` on the same port with all that it knew.

    `certificate` and its key, in files, make it speak TLS.
    """

    user, password = "admin", "secret"

    def __init__(
        self,
        *,
        projects: dict[str, Path] | None = None,
        collections: str = "",
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self._certificate = certificate
        self.tables = Tables()
        self.people, self.resources = People(self.tables), Resources(self.tables)
        self.oauth = OAuth(self.tables, self.people)
        self._player = Player(projects, collections) if projects and collections else None
        self.jobs = Jobs(self.tables, Launching(self.tables), self._player)
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        stock(self.tables, self.user, self.password)
        self._routes = Routes(self)
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake AWX", daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> FakeAwx:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._do(self.jobs.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._do(self._start())

    def stop(self) -> None:
        """Nobody answers any more; jobs go on."""
        self._do(self._stop())

    # --- what tests do ---

    def renew(self, certificate: tuple[Path, Path]) -> None:
        """Shows another certificate from now on, on new connections."""
        self.stop()
        self._certificate = certificate
        self.start()

    def template(self, name: str, script: Script | None = None, **fields: Any) -> Row:
        """A job template that prompts for its variables."""
        defaults = {
            "project": self.tables.named("projects", "Demo Project")["id"],
            "inventory": self.tables.named("inventories", "Demo Inventory")["id"],
            "organization": self.tables.named("organizations", "Default")["id"],
            "playbook": "hello_world.yml",
            "ask_variables_on_launch": True,
        }
        return self.call(lambda: self._template(name, script, {**defaults, **fields}))

    def _template(self, name: str, script: Script | None, fields: Row) -> Row:
        if script:
            self.jobs.scripts[name] = script
        return self.tables.add("job_templates", name=name, **fields)

    def workflow(self, name: str, *templates: Row, **fields: Any) -> Row:
        """A workflow template of these job templates, one after the other."""
        default = {"organization": self.tables.named("organizations", "Default")["id"], "ask_variables_on_launch": True}

        def make() -> Row:
            row = self.tables.add("workflow_job_templates", name=name, **{**default, **fields})
            for number, template in enumerate(templates):
                self.tables.add(
                    "workflow_job_template_nodes",
                    workflow_job_template=row["id"],
                    unified_job_template=template["id"],
                    identifier=f"step-{number}",
                )
            return row

        return self.call(make)

    def end(self, id: int, script: Script | None = None) -> None:
        """Ends a job that its script holds."""
        self.call(lambda: self.jobs.end(id, script or Script()))

    def delete(self, id: int) -> None:
        """Takes a job away, whatever its state."""
        self.call(lambda: self.tables.remove("jobs" if id in self.tables.rows["jobs"] else "workflow_jobs", id))

    def job(self, id: int) -> Row:
        """A job as it is now."""
        return self.call(lambda: dict(self.tables.find("unified_jobs", id)[1]))

    def launched(self) -> list[Row]:
        """All jobs that were launched by somebody, in order."""
        return self.call(lambda: [dict(self.tables.find("unified_jobs", id)[1]) for id in self.jobs.launches])

    def fail(self, *faults: Fault) -> None:
        """What goes wrong next."""
        self.call(lambda: self.faults.extend(faults))

    def new_token(self, scope: str = "write") -> str:
        """A token of the admin."""
        user = self.tables.named("users", self.user)
        return str(self.call(lambda: self.people.issue(user, scope))["token"])

    def application(self, name: str, grant: str = "password") -> Row:
        """A confidential application, whose tokens can be renewed."""
        fields = {"name": name, "client_type": "confidential", "authorization_grant_type": grant}
        organization = self.tables.named("organizations", "Default")["id"]
        return self.call(lambda: self.resources.make("applications", {**fields, "organization": organization}))

    def call(self, what: Callable[[], T]) -> T:
        """Does something on the server's own thread, so that no request comes in between."""

        async def run() -> T:
            return what()

        return self._do(run())

    # --- serving ---

    def _do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _start(self) -> None:
        self._runner = web.AppRunner(self._routes.app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True, ssl_context=self._tls())
        await site.start()
        self._port = self._runner.addresses[0][1]
        if self._player:
            self._player.host = self.url

    def _tls(self) -> ssl.SSLContext | None:
        if self._certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._certificate)
        return context

    async def _stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
