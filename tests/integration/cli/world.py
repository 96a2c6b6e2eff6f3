"""The real API server on the real store in a thread of its own, and the real `kabanero` as a child process.

Runs are shown without a runner: their statuses are written through the API, as the runner writes them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from kabanero.api.access import Tokens, User
from kabanero.api.embedded import EmbeddedApi
from kabanero.api.front import SubresourceHandler
from kabanero.api.kubeconfig import local_token, write_kubeconfig
from kabanero.api.runner_events import PREFIX, RunnerEvents
from kabanero.api.server import HttpServer, Listener
from kabanero.buses.sqlite import SqliteBus
from kabanero.cli.client import Client
from kabanero.cli.kubeconfig import Wanted, connection
from kabanero.clock import SystemClock
from kabanero.engine.triggers import TriggerIndex
from kabanero.model.events import Event
from kabanero.model.kinds.registry import STRATEGY_TRIGGER
from kabanero.ports import Consumer, Delivery
from kabanero.stores.sqlite import SqliteStore

Json = dict[str, Any]
API = "/apis/kabanero.io/v1alpha1/namespaces/kabanero"
KABANERO = str(Path(sys.executable).parent / "kabanero")


class World:
    """A data folder with a server on it. `stop` and `start` are what a restart of the runner looks like to a client."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.logs: dict[tuple[str, str], SubresourceHandler] = {}
        self.port = 0
        self.start()

    @property
    def client(self) -> Client:
        """The API as the local user."""
        return Client(connection(Wanted(data_dir=str(self.data))))

    def start(self) -> None:
        """Serves until `stop`."""
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.do(self._open())

    def stop(self) -> None:
        """Closes server and store; what is closed stays closed."""
        if not self._thread.is_alive():
            return
        self.do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Lets the server's loop do this."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> None:
        clock, tokens = SystemClock(), Tokens()
        token = local_token(self.data)
        tokens.add(token, User("champ"))
        self._store = await SqliteStore.open(self.data / "store.db", clock)
        self.bus = await SqliteBus.open(self.data / "bus.db", clock)
        self._api = EmbeddedApi(self._store, clock, tokens)
        self._api.app.subresources.update(self.logs)
        self._api.app.paths[PREFIX] = RunnerEvents(self.bus, self._explain)
        await self._api.prepare()
        self._server = HttpServer([Listener(f"127.0.0.1:{self.port}", self._api.app)])
        await self._server.start()
        self.url = self._server.urls[0]
        self.port = int(self.url.rpartition(":")[2])
        self._running = asyncio.create_task(self._api.run())
        write_kubeconfig(self.data / "kubeconfig", self.url, token)

    async def _close(self) -> None:
        self._running.cancel()
        self._api.close()
        await self._server.close()
        await self.bus.close()
        await self._store.close()

    async def _explain(self, event: Event) -> list[Json]:
        index = TriggerIndex()
        for trigger in (await self._store.list(STRATEGY_TRIGGER.type)).items:
            index.add(trigger)
        return [each.as_json() for each in index.explain(event)]

    def publish(self, *events: Event) -> None:
        """Puts events on the bus."""
        self.do(self.bus.publish(events))

    def handle(self, consumer: str, handle: Callable[[Delivery], Coroutine[Any, Any, None]], count: int = 1) -> None:
        """Lets a consumer of the bus handle its next deliveries."""
        self.do(self._handle(Consumer(consumer), handle, count))

    async def _handle(
        self, consumer: Consumer, handle: Callable[[Delivery], Coroutine[Any, Any, None]], count: int
    ) -> None:
        async for delivery in self.bus.subscribe(consumer):
            await handle(delivery)
            count -= 1
            if not count:
                return

    def environment(self, **more: str) -> dict[str, str]:
        """What the child process sees; no setting of the machine reaches it."""
        home = str(self.data.parent)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        return {**kept, "HOME": home, "KABANERO_DATA_DIR": str(self.data), **more}

    def run(self, *args: str, stdin: str = "", **environment: str) -> Done:
        """One invocation of `kabanero`, without a terminal."""
        process = subprocess.run(
            [KABANERO, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment(**environment),
            check=False,
        )
        return Done(process.returncode, process.stdout, process.stderr)

    def on_terminal(self, columns: int, *args: str) -> list[str]:
        """The lines that an invocation draws on a terminal of this width, without colours."""
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        environment = self.environment(TERM="xterm", NO_COLOR="1")
        with subprocess.Popen([KABANERO, *args], stdout=theirs, stderr=theirs, env=environment):
            os.close(theirs)
            written = b"".join(_pieces_of(ours))
        os.close(ours)
        return written.decode().splitlines()

    def begin(self, *args: str, **environment: str) -> subprocess.Popen[str]:
        """An invocation that goes on."""
        return subprocess.Popen(
            [KABANERO, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**environment),
        )

    def create(self, *resources: Json) -> None:
        """Makes resources through the API."""
        for resource in resources:
            self.client.create(f"{API}/{resource['kind'].lower()}s", resource)

    def get(self, plural: str, name: str) -> Json:
        """One resource."""
        found: Json = self.client.get(f"{API}/{plural}/{name}")
        return found

    def set_status(self, plural: str, name: str, status: Json) -> None:
        """Writes a status, as the runner does."""
        body = {"status": json.loads(json.dumps(status))}
        self.client.patch(f"{API}/{plural}/{name}/status", body)


def _pieces_of(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that nobody writes any more.
            return
        if not piece:
            return
        yield piece


@dataclass(frozen=True, slots=True)
class Done:
    """What an invocation left."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Lines of stdout."""
        return self.out.splitlines()


def resource(kind: str, name: str, spec: Json, **metadata: Any) -> Json:
    """A kabanero.io resource."""
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "kabanero", **metadata},
        "spec": spec,
    }


@dataclass
class Story:
    """A run told by hand: each step writes what the runner would have written."""

    world: World
    name: str = "main-7f3a"
    stages: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)

    def begin(self) -> Story:
        """The run is there and its stages wait."""
        spec = {"strategy": "main", "emit": {"name": "Start_build"}}
        self.world.create(resource("StrategyRun", self.name, spec))
        for binding in BINDINGS:
            self._plan(binding)
        self.event("start", name="Start_build")
        return self.write("Running")

    def _plan(self, binding: Json) -> None:
        stage, name = binding["stageName"], f"{self.name}-{binding['stageName'].lower()}"
        self.stages[stage] = {"name": stage, "stageRun": name, "phase": "Waiting"}
        run = {"strategy": "main", "strategyRun": self.name, "contextID": "ctx1", "stageName": stage}
        self.world.create(resource("StageRun", name, {**run, "stageRef": binding["stageRef"], "attempt": 1}))

    def event(self, id: str, stage: str = "", **attributes: str) -> Story:
        """An event of the context."""
        self.events.append({"id": id, "attributes": attributes, "time": TIME, "stage": stage})
        return self

    def stage(self, name: str, phase: str, live: Json | None = None, **fields: Any) -> Story:
        """A stage's phase in the run, and in its StageRun what `live` adds."""
        started = {"attempt": 1, "startTime": TIME} if phase not in ("Waiting", "Skipped") else {}
        self.stages[name] |= {"phase": phase, **started, **fields}
        attempt = self.stages[name].get("attempt", 0)
        self.world.set_status(
            "stageruns", self.stages[name]["stageRun"], {"phase": phase, "attempt": attempt, **(live or {})}
        )
        return self

    def write(self, phase: str = "Running", **fields: Any) -> Story:
        """The run's status as it is told so far."""
        status = {
            "phase": phase,
            "contextID": "ctx1",
            "startTime": TIME,
            "stages": list(self.stages.values()),
            "events": self.events,
            "definition": {"digest": "sha256:0", "generation": 1, "spec": {"stageBindings": BINDINGS}},
            **fields,
        }
        self.world.set_status("strategyruns", self.name, status)
        return self

    def end(self, phase: str) -> Story:
        """The run has ended."""
        return self.write(phase, completionTime=LATER)


TIME, LATER = "2026-05-01T12:00:00Z", "2026-05-01T12:00:42Z"


def _binding(stage: str, emit: Json, *matches: Json) -> Json:
    triggers = [{"match": match} for match in matches]
    ref = {"kind": "PlaybookStage", "name": stage.lower()}
    return {"stageName": stage, "stageRef": ref, "triggers": triggers, "emit": [emit]}


BINDINGS = [
    _binding("build", {"name": "Build", "status": "$stage_status"}, {"name": "Start_build"}),
    _binding("FVT", {"name": "FVT", "status": "$stage_status"}, {"name": "Build", "status": "Success"}),
    _binding("SVT", {"name": "SVT", "status": "$stage_status"}, {"name": "Build", "status": "Success"}),
    _binding(
        "approval",
        {"name": "Deploy_approval", "status": "$stage_status"},
        {"name": "FVT", "status": "Success"},
        {"name": "SVT", "status": "Success"},
    ),
    _binding("deploy", {"name": "Deploy", "status": "$stage_status"}, {"name": "Deploy_approval", "status": "Success"}),
]
STRATEGY = resource(
    "StrategyDefinition",
    "main",
    {
        "strategyVariables": [{"name": "src_repo", "type": "github"}, {"name": "replicas", "type": "number"}],
        "stageBindings": BINDINGS,
    },
)
