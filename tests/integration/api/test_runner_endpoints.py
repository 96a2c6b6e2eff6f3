"""What the CLI asks the runner beside resources: events, logs, health, metrics."""

import contextlib
from datetime import UTC, datetime

import orjson
import pytest
from kabanero.api.access import Tokens, User
from kabanero.api.health import Health
from kabanero.api.metrics import Metrics
from kabanero.api.runner_events import PREFIX, RunnerEvents
from kabanero.api.runner_logs import StageLogs
from kabanero.api.runner_runs import RUNS_PREFIX, RunnerRuns
from kabanero.api.server import HttpServer, Listener
from kabanero.buses.sqlite import SqliteBus
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.model.errors import StoreUnavailableError
from kabanero.model.events import Event
from kabanero.ports import Consumer, Work

from tests.integration.api.examples import MERGE, RUNS, STAGE_RUNS, run, stage_run
from tests.support.api_server import TOKEN, ApiServer

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks: [{name: Speak, ansible.builtin.debug: {msg: "the work was done"}}]
"""


def event(id: str = "e1", topic: str = "SourceRepository", context: str = "") -> Event:
    return Event(
        id=id,
        source="test",
        type="test.pushed",
        topic=topic,
        path="/kabanero/repository/x",
        time=datetime(2026, 11, 23, tzinfo=UTC),
        payload=orjson.dumps({"branch": "main"}),
        context=context,
    )


@pytest.fixture
async def bus(api: ApiServer, tmp_path):
    bus = await SqliteBus.open(tmp_path / "bus.db", SystemClock())

    async def explain(event: Event) -> list[dict[str, str]]:
        return [{"trigger": "main", "why": f"{event.id} has the branch {event.data['branch']}"}]

    api.api.app.paths[PREFIX] = RunnerEvents(bus, explain)
    yield bus
    await bus.close()


# --- events ---


async def test_events_are_found_newest_first(api, bus):
    await bus.publish([event("e1"), event("e2", "Timer"), event("e3", context="c1")])
    found = (await api.call("GET", PREFIX)).json["items"]
    assert [item["id"] for item in found] == ["e3", "e2", "e1"]
    assert found[0] | {"handlings": None, "sequence": None} == {
        "sequence": None,
        "id": "e3",
        "source": "test",
        "type": "test.pushed",
        "topic": "SourceRepository",
        "path": "/kabanero/repository/x",
        "time": "2026-11-23T00:00:00+00:00",
        "context": "c1",
        "causes": [],
        "data": {"branch": "main"},
        "handlings": None,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("topic=Timer", ["e2"]),
        ("context=c1", ["e3"]),
        ("id=e1", ["e1"]),
        ("limit=1", ["e3"]),
        ("topic=Nothing", []),
    ],
)
async def test_events_are_chosen_by_fields(api, bus, query, found):
    await bus.publish([event("e1"), event("e2", "Timer"), event("e3", context="c1")])
    assert [item["id"] for item in (await api.call("GET", f"{PREFIX}?{query}")).json["items"]] == found


@pytest.mark.parametrize(
    ("query", "says"),
    [("topik=Timer", "did you mean topic"), ("limit=many", "whole number"), ("fate=Lost", "possible: Pending")],
)
async def test_a_field_that_chooses_nothing_is_refused(api, bus, query, says):
    answer = await api.call("GET", f"{PREFIX}?{query}")
    assert (answer.status, says in answer.json["message"]) == (400, True)


async def test_one_event_is_found_and_explained(api, bus):
    await bus.publish([event("a/b c")])
    one = (await api.call("GET", f"{PREFIX}/a%2Fb%20c")).json
    explained = (await api.call("GET", f"{PREFIX}/a%2Fb%20c/explain")).json
    assert one["id"] == explained["event"]["id"] == "a/b c"
    assert explained["triggers"] == [{"trigger": "main", "why": "a/b c has the branch main"}]


async def test_an_event_that_is_not_kept_is_not_found(api, bus):
    assert (await api.call("GET", f"{PREFIX}/none")).status == 404


async def test_an_event_is_delivered_once_more_when_it_is_replayed(api, bus):
    await bus.publish([event("e1")])
    async with contextlib.aclosing(bus.subscribe(Consumer("test"))) as deliveries:
        await (await anext(deliveries)).ack()
        answer = await api.call("POST", f"{PREFIX}/replay", {"id": "e1", "consumer": "test"})
        again = await anext(deliveries)
        await again.ack()
    assert (answer.json, again.event.id) == ({"replayed": 1}, "e1")


@pytest.mark.parametrize("body", [{}, {"limit": 5}, [], {"fate": "Lost"}, {"id": "x", "colour": "red"}])
async def test_a_replay_must_say_of_what(api, bus, body):
    assert (await api.call("POST", f"{PREFIX}/replay", body)).status == 400


async def test_a_viewer_may_look_but_not_replay(api, bus):
    token = api.api.tokens.issue("vic", read_only=True)
    looked = await api.call("GET", PREFIX, token=token)
    replayed = await api.call("POST", f"{PREFIX}/replay", {"id": "e1"}, token=token)
    assert (looked.status, replayed.status) == (200, 403)


# --- runs ---

EXPLAIN = f"{RUNS_PREFIX}/default/r1/explain"
RAN = {
    "phase": "Running",
    "contextID": "c1",
    "definition": {
        "digest": "d",
        "spec": {
            "stageBindings": [
                {
                    "stageName": "Approval",
                    "stageRef": {"kind": "EmailApprovalStage", "name": "approval"},
                    "triggers": [{"match": {"name": "Start"}}],
                }
            ]
        },
    },
    "stages": [{"name": "Approval", "stageRun": "s1", "phase": "Running", "attempt": 1}],
    "events": [{"id": "first", "attributes": {"name": "Start"}, "time": "2026-11-23T00:00:00Z"}],
}


@pytest.fixture
async def ran(api: ApiServer) -> None:
    """A run whose one stage waits for a person, which its StageRun alone says yet."""
    api.api.app.paths[RUNS_PREFIX] = RunnerRuns(api.api.store)
    made = [(RUNS, run(), RAN), (STAGE_RUNS, stage_run(), {"phase": "Running", "attempt": 1, "waitsOn": "Approval"})]
    for path, wanted, status in made:
        await api.call("POST", path, wanted)
        name = wanted["metadata"]["name"]
        answer = await api.call("PATCH", f"{path}/{name}/status", {"status": status}, headers=MERGE)
        assert answer.status == 200, answer.json


@pytest.mark.usefixtures("ran")
async def test_a_run_is_explained_with_what_its_stage_runs_say(api):
    told = (await api.call("GET", EXPLAIN)).json
    assert (told["run"], told["strategy"], told["contextID"]) == ("r1", "main", "c1")
    assert told["stages"][0]["why"] == "waits until somebody approves or rejects"


@pytest.mark.usefixtures("ran")
async def test_one_stage_of_a_run_is_explained(api):
    told = (await api.call("GET", f"{EXPLAIN}?stage=Approval")).json
    assert (told["run"], told["name"], told["clauses"][0]["met"]) == ("r1", "Approval", True)


@pytest.mark.usefixtures("ran")
async def test_a_stage_that_a_run_does_not_have_is_answered_with_the_near_one(api):
    answer = await api.call("GET", f"{EXPLAIN}?stage=Aproval")
    assert (answer.status, "did you mean Approval" in answer.json["message"]) == (404, True)


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize("path", [f"{RUNS_PREFIX}/default/none/explain", f"{RUNS_PREFIX}/default/r1", RUNS_PREFIX])
async def test_a_run_that_is_not_there_is_not_explained(api, path):
    assert (await api.call("GET", path)).status == 404


# --- logs ---


@pytest.fixture
async def executor(api: ApiServer, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "work.yml").write_text(PLAYBOOK)
    settings = AnsibleExecutorSettings(data_dir=tmp_path, project_dir=project, warm=False)
    executor = await AnsibleExecutor.open(settings, SystemClock())
    api.api.app.subresources["stageruns", "log"] = StageLogs(api.store, executor, lambda _: "s1-1")
    yield executor
    await executor.close()


@pytest.mark.parametrize("query", ["", "?follow=true"])
async def test_a_log_is_what_the_playbook_printed(api, executor, query):
    await api.call("POST", STAGE_RUNS, stage_run())
    await executor.carry_out(Work("s1-1", "work.yml", {}))
    answer = await api.call("GET", f"{STAGE_RUNS}/s1/log{query}")
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"the work was done" in answer.body


async def test_a_stage_that_has_not_begun_has_no_log_yet(api, executor):
    await api.call("POST", STAGE_RUNS, stage_run())
    await api.call("PATCH", f"{STAGE_RUNS}/s1/status", {"status": {"phase": "Triggered"}}, headers=MERGE)
    answer = await api.call("GET", f"{STAGE_RUNS}/s1/log")
    assert (answer.status, "it is Triggered" in answer.json["message"]) == (404, True)


async def test_a_log_is_only_read(api, executor):
    await api.call("POST", STAGE_RUNS, stage_run())
    assert (await api.call("PUT", f"{STAGE_RUNS}/s1/log", {})).status == 405


# --- health ---


@pytest.fixture
async def health(tmp_path):
    """Starts a health application with some checks; gives a way to call it."""
    servers = []

    async def start(metrics_open: bool = False, **checks) -> ApiServer:
        tokens = Tokens()
        tokens.add(TOKEN, User("prometheus"))
        app = Health(checks, Metrics().registry, tokens, metrics_open=metrics_open)
        server = HttpServer([Listener("127.0.0.1:0", app)])
        await server.start()
        servers.append(server)
        return ApiServer(tmp_path, server.urls[0], None, None)

    yield start
    for server in servers:
        await server.close()


async def works() -> None:
    pass


async def fails() -> None:
    raise StoreUnavailableError("the disk is full")


async def test_a_runner_that_works_is_alive_and_ready_without_a_token(health):
    server = await health(store=works)
    assert [(await server.call("GET", path, token=None)).body for path in ("/livez", "/readyz")] == [b"ok", b"ok"]


async def test_a_part_that_does_not_work_is_named_and_only_that_is_told(health):
    server = await health(store=fails, bus=works)
    answer = await server.call("GET", "/readyz", token=None)
    assert (answer.status, answer.body) == (503, b"[-]store failed\n[+]bus ok\nreadyz check failed\n")
    assert (await server.call("GET", "/livez", token=None)).status == 200


@pytest.mark.parametrize(
    ("is_open", "token", "status"), [(False, None, 401), (False, "wrong", 401), (False, TOKEN, 200), (True, None, 200)]
)
async def test_metrics_need_a_token_unless_they_are_opened(health, is_open, token, status):
    server = await health(is_open)
    assert (await server.call("GET", "/metrics", token=token)).status == status
