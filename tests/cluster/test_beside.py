"""What only the runner can tell, asked by people of a cluster who have their kubeconfig and no more."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.beside_world import HERE, TEAM, World, opened
from tests.integration.collection.conftest import Command, ansible, collections  # noqa: F401
from tests.support.runner import resource
from tests.support.strategies import binding, match, playbook_stage, strategy
from tests.testbed.apiserver import ApiServer, KubectlError
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.cluster
ASKING = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Send an event
      kabanero.events.event:
        topic: Own
        data: {name: Ping}
    - name: See it come
      kabanero.events.event:
        state: awaited
        topic: Own
        match: {name: Ping}
        after: 1
        wait_timeout: 20
      register: seen
    - name: Say so
      ansible.builtin.debug:
        msg: "seen {{ seen.event.data.name }}"
"""


@pytest.fixture(scope="module")
def world(apiserver: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One run of `chain` in TEAM has ended."""
    with opened(apiserver, tmp_path_factory.mktemp("beside")) as made:
        (made.runner.project / "hello.yml").write_text(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Say hello\n      ansible.builtin.debug:\n"
        )
        (made.runner.project / "asking.yml").write_text(ASKING)
        run(made, "hello", "hello.yml")
        yield made


def run(world: World, name: str, playbook: str) -> Any:
    """Carries a strategy of one stage out, in TEAM."""
    stages = [binding("Work", "PlaybookStage", [match("Start")])]
    stages[0]["stageRef"]["name"] = name
    made = [playbook_stage(name, playbook), strategy(name, stages)[0]]
    made.append(resource("StrategyRun", name, {"strategy": name, "emit": {"name": "Start"}}))
    world.server.apply(*({**each, "metadata": {**each["metadata"], "namespace": TEAM}} for each in made))
    ended = lambda: world.server.get("strategyrun", name, TEAM).get("status", {}).get("completionTime")  # noqa: E731
    wait_until(ended, f"the end of {name}", 60)
    return world.server.get("strategyrun", name, TEAM)


def test_who_may_view_a_namespace_reads_the_logs_of_its_stages(world: World) -> None:
    viewer = world.person("reader", "view", TEAM)
    shown = world.kabanero(viewer, "logs", "hello", "-n", TEAM)
    assert (shown.returncode, "Say hello" in shown.stdout) == (0, True), shown.stderr


def test_who_may_not_is_told_what_is_missing(world: World) -> None:
    viewer = world.person("reader", "view", TEAM)
    shown = world.kabanero(viewer, "events")
    assert shown.returncode == 4
    assert 'User "system:serviceaccount:team:reader" cannot list resource "queuedevents"' in shown.stderr
    assert 'resources: ["queuedevents"], verbs: ["list"]' in " ".join(shown.stderr.split())


def test_a_log_of_another_namespace_is_not_shown(world: World) -> None:
    outsider = world.person("outsider", "view", HERE)
    (stage_run,) = json.loads(world.server.kubectl("get", "stageruns", "-n", TEAM, "-o", "json"))["items"][:1]
    path = f"/apis/kabanero.io/v1alpha1/namespaces/{TEAM}/stageruns/{stage_run['metadata']['name']}/log"
    proxy = f"/api/v1/namespaces/{HERE}/services/kabanero-runner:http/proxy"
    token = world.server.kubectl("create", "token", "outsider", "-n", TEAM).strip()
    assert "cannot get resource" in refused(world, path, token)
    assert "Unauthorized" in refused(world, path, "made-up-by-somebody")
    with pytest.raises(KubectlError, match="Unauthorized"):
        world.server.kubectl("get", "--raw", proxy + path, kubeconfig=outsider)


def refused(world: World, path: str, token: str) -> str:
    request = urllib.request.Request(world.runner.url + path, headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    return caught.value.read().decode()


def test_an_admin_with_a_certificate_sees_events_and_why_they_started_what_they_started(world: World) -> None:
    listed = world.kabanero(world.server.kubeconfig, "events", "-o", "json", "--topic", "Strategy")
    (event, *_) = json.loads(listed.stdout)["items"]
    explained = world.kabanero(world.server.kubeconfig, "explain", "--event", event["id"], "-o", "json")
    assert json.loads(explained.stdout)["event"]["id"] == event["id"], explained.stderr


def test_who_may_edit_the_runners_namespace_replays_and_who_may_view_it_does_not(world: World) -> None:
    world.server.apply(
        {**resource("StrategyEvent", "again", {"topic": "Own", "data": {"name": "Again"}})}
        | {"metadata": {"name": "again", "namespace": TEAM}}
    )
    viewer, editor = world.person("onlooker", "view", HERE), world.person("operator", "edit", HERE)

    def listed() -> list[Any]:
        return list(json.loads(world.kabanero(viewer, "events", "--topic", "Own", "-o", "json").stdout)["items"])

    wait_until(lambda: any(each["data"]["name"] == "Again" for each in listed()), "the event", 30)
    assert "cannot patch" in world.kabanero(viewer, "replay", "--topic", "Own").stderr
    done = world.kabanero(editor, "replay", "--topic", "Own")
    assert (done.returncode, "delivered again" in done.stdout) == (0, True), done.stderr


def test_on_the_runners_own_machine_its_data_folder_is_enough(world: World) -> None:
    data = str(world.runner.data)
    nobody = world.server.service_account(TEAM, "nobody")
    shown = world.kabanero(nobody, "events", "--data-dir", data, "-o", "json")
    assert shown.returncode == 0, shown.stderr
    assert "/proxy" not in (world.runner.data / "runner.kubeconfig").read_text()


def test_the_environment_may_say_where_the_runner_is(world: World) -> None:
    nobody = world.server.service_account(TEAM, "nobody")
    url = world.runner.url.replace("http:", "https:")
    where = {"KABANERO_RUNNER_URL": url, "KABANERO_RUNNER_CA": str(world.runner.data / "tls.crt")}
    shown = world.kabanero(nobody, "events", KABANERO_RUNNER_TOKEN=world.runner.token, **where)
    assert shown.returncode == 0, shown.stderr


def test_modules_find_the_runner_by_the_kubeconfig_alone(world: World, ansible: Command) -> None:  # noqa: F811
    environ = world.environ(world.server.kubeconfig)
    done = ansible("ansible", "localhost", "-m", "kabanero.events.event_info", **environ)
    assert (done.returncode, '"events": [' in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_playbook_of_a_stage_asks_the_runner_without_set_up(world: World) -> None:
    ended = run(world, "asking", "asking.yml")
    said = world.kabanero(world.server.kubeconfig, "logs", "asking", "-n", TEAM).stdout
    assert ended["status"]["phase"] == "Succeeded", said
    assert "seen Ping" in said


def test_where_no_runner_is_the_way_to_name_one_is_told(world: World, tmp_path: Path) -> None:
    shown = world.kabanero(world.server.kubeconfig, "events", KABANERO_RUNNER_SERVICE=f"{TEAM}/kabanero-runner:http")
    assert shown.returncode == 4
    assert "KABANERO_RUNNER_URL" in shown.stderr
