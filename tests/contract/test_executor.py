"""What every executor keeps: each ident carried out once, its end told as it was, nothing left behind.

Warm (forked from a process that has Ansible loaded) and cold (started by itself) must not differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings, traces
from kabanero.model.errors import NotFoundError
from kabanero.ports import BEGUN, Executor, Progress, Work, WorkResult, WorkStatus

from tests.support.collection import collections_path
from tests.support.playbooks import make_project

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE = 20.0
LOG_LIMIT = 1_000_000


@dataclass
class Place:
    """An executor, its folders, and how to open another one on them."""

    settings: AnsibleExecutorSettings
    executor: Executor
    marks: Path

    async def another(self) -> Executor:
        return await AnsibleExecutor.open(self.settings, SystemClock())

    def marked(self, name: str) -> int:
        return self.marks.read_text().splitlines().count(name) if self.marks.exists() else 0

    def artifacts(self, ident: str) -> Path:
        return self.settings.data_dir / "artifacts" / ident


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["warm", "cold"])
async def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp(request.param)
    marks = make_project(folder / "project")
    settings = AnsibleExecutorSettings(
        data_dir=folder / "data",
        project_dir=folder / "project",
        collections_path=str(collections_path(folder / "collections")),
        warm=request.param == "warm",
        log_limit=LOG_LIMIT,
        max_parallel=3,
    )
    (folder / "data").mkdir()
    opened = Place(settings, await AnsibleExecutor.open(settings, SystemClock()), marks)
    yield opened
    await opened.executor.close(cancel=True)


def work(playbook: str, ident: str = "", **more: Any) -> Work:
    return Work(
        ident or f"{playbook.split('.', 1)[0]}-{uuid.uuid4().hex[:8]}.1", playbook, **{"extra_vars": {}, **more}
    )


def sleeping(playbook: str, **more: Any) -> Work:
    """Work that sleeps for a number of seconds that no other work has, by which its processes are known."""
    return work(playbook, extra_vars={"seconds": f"1000.{uuid.uuid4().int % 10**12}1"}, **more)


async def done(place: Place, what: Work, **more: Any) -> WorkResult:
    async with asyncio.timeout(PATIENCE):
        return await place.executor.carry_out(what, **more)


async def until(true: Callable[[], Any]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not (value := true()):
            await asyncio.sleep(0.02)
    return value


def sleepers(what: Work) -> list[int]:
    """Processes that sleep for this work, wherever they hang in the tree."""
    return commands("sleep", str(what.extra_vars["seconds"]))


def commands(*words: str) -> list[int]:
    """Processes with this command line."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().split(b"\0")[:-1] == [
                word.encode() for word in words
            ]:
                found.append(int(entry.name))
    return found


# --- ends ---


async def test_success_hands_back_outputs_message_and_times(place: Place) -> None:
    result = await done(place, work("ok.yml"))
    assert (result.status, result.message) == (WorkStatus.SUCCEEDED, "all good")
    assert result.outputs == {"image": {"location": "app", "size": 7}}
    assert result.started and result.finished and result.started < result.finished


async def test_a_playbook_that_reports_nothing_ends_as_its_recap_says(place: Place) -> None:
    assert (await done(place, work("plain.yml"))).status is WorkStatus.SUCCEEDED


async def test_an_object_to_wait_for_is_handed_on(place: Place) -> None:
    result = await done(place, work("waits.yml"))
    assert result.status is WorkStatus.WAITING
    assert result.waiting_for == {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": "build-1"}


async def test_a_failure_names_the_task_and_what_it_said(place: Place) -> None:
    result = await done(place, work("fails.yml"))
    assert (result.status, result.reason) == (WorkStatus.FAILED, "PlaybookFailed")
    assert result.message == "task Look for the shelf: the shelf is empty"


async def test_a_playbook_may_say_itself_that_it_failed(place: Place) -> None:
    result = await done(place, work("says-failed.yml"))
    assert (result.status, result.message) == (WorkStatus.FAILED, "not good enough")


@pytest.mark.parametrize(
    ("playbook", "reason", "said"),
    [
        ("nowhere.yml", "PlaybookNotFound", "is not in the project folder"),
        ("../outside.yml", "PlaybookNotFound", "lies outside the project folder"),
        ("notyaml.yml", "PlaybookInvalid", "YAML"),
        ("acme.shop.nothing", "PlaybookNotFound", "acme.shop.nothing"),
    ],
)
async def test_a_playbook_that_can_not_be_played_is_an_error_that_says_why(
    place: Place, playbook: str, reason: str, said: str
) -> None:
    result = await done(place, work(playbook, f"bad-{uuid.uuid4().hex[:8]}.1"))
    assert (result.status, result.reason) == (WorkStatus.ERRORED, reason)
    assert said in result.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
async def test_a_playbook_that_may_not_be_read_is_an_error_that_says_so(place: Place) -> None:
    result = await done(place, work("locked.yml"))
    assert (result.status, result.reason) == (WorkStatus.ERRORED, "PlaybookUnreadable")


async def test_a_playbook_of_the_collection_is_found_by_its_name(place: Place) -> None:
    result = await done(place, work("kabanero.events.stages.tekton_stage", f"fqcn-{uuid.uuid4().hex[:8]}.1"))
    assert result.reason not in ("PlaybookNotFound", "PlaybookInvalid", "DriverError"), result.message


@pytest.mark.parametrize("playbook", ["asks.yml", "imports-asks.yml"])
async def test_a_playbook_that_asks_for_something_ends_at_once_and_says_what_it_asked_for(
    place: Place, playbook: str
) -> None:
    result = await done(place, work(playbook, timeout=3600))
    assert (result.status, result.reason) == (WorkStatus.ERRORED, "PlaybookPrompts")
    assert "asks for version by vars_prompt" in result.message


async def test_a_playbook_that_is_silent_for_too_long_times_out(place: Place) -> None:
    what = sleeping("silent.yml", timeout=2.5)
    result = await done(place, what)
    assert (result.status, result.reason) == (WorkStatus.TIMED_OUT, "DeadlineExceeded")
    assert sleepers(what) == []


# --- once ---


async def test_an_ident_is_carried_out_once_however_often_it_is_asked_for(place: Place) -> None:
    what = work("marks.yml", extra_vars={"name": "once"}, ident=f"once-{uuid.uuid4().hex[:6]}.1")
    results = await asyncio.gather(*(done(place, what) for _ in range(3)))
    assert len({(each.status, each.started) for each in [*results, await done(place, what)]}) == 1
    assert place.marked("once") == 1


async def test_another_executor_takes_up_what_is_under_way(place: Place) -> None:
    what = work("naps.yml")
    asked = asyncio.create_task(place.executor.carry_out(what))
    await until(lambda: traces.driver_of(place.artifacts(what.ident)))
    asked.cancel()
    other = await place.another()
    try:
        async with asyncio.timeout(PATIENCE):
            assert (await other.carry_out(what)).outputs == {"slept": True}
    finally:
        await other.close()


async def test_work_that_was_broken_off_is_an_error_and_leaves_no_process(place: Place) -> None:
    what = sleeping("sleeps.yml")
    asked = asyncio.create_task(done(place, what))
    await until(lambda: len(sleepers(what)) >= 3)
    driver = traces.driver_of(place.artifacts(what.ident))
    assert driver
    os.kill(driver.pid, signal.SIGKILL)
    result = await asked
    assert (result.status, result.reason) == (WorkStatus.ERRORED, "Interrupted")
    await until(lambda: not sleepers(what))
    assert await done(place, what) == result


# --- cancelling ---


async def test_cancelling_ends_every_process_of_the_work(place: Place) -> None:
    what = sleeping("sleeps.yml")
    asked = asyncio.create_task(done(place, what))
    await until(lambda: len(sleepers(what)) >= 3)
    await place.executor.cancel(what.ident, "changed my mind")
    result = await asked
    assert (result.status, result.message) == (WorkStatus.CANCELLED, "changed my mind")
    assert sleepers(what) == []


async def test_what_was_cancelled_before_it_began_never_begins(place: Place) -> None:
    what = work("marks.yml", extra_vars={"name": "never"})
    await place.executor.cancel(what.ident, "too late")
    result = await done(place, what)
    assert (result.status, result.message) == (WorkStatus.CANCELLED, "too late")
    assert place.marked("never") == 0


async def test_cancelling_what_has_ended_changes_nothing(place: Place) -> None:
    what = work("plain.yml")
    result = await done(place, what)
    await place.executor.cancel(what.ident)
    assert await done(place, what) == result


# --- data from outside ---

HOSTILE = (
    "{{ lookup('pipe', 'touch FILE') }}",
    "$(touch FILE)",
    "{% set x = lookup('pipe', 'touch FILE') %}",
    "`touch FILE`",
)


@pytest.mark.parametrize("attack", HOSTILE)
async def test_extra_vars_are_data_and_never_evaluated(place: Place, tmp_path: Path, attack: str) -> None:
    text = attack.replace("FILE", str(tmp_path / "evaluated"))
    given = {
        "value": text,
        "list": [[text], {"deep": text}],
        text: text,
        "__ansible_unsafe": text,
        "ä\x00": "\udcff"[:0],
    }
    result = await done(place, work("echo.yml", extra_vars={"given": given, text: text}))
    assert result.status is WorkStatus.SUCCEEDED, result.message
    assert not (tmp_path / "evaluated").exists()
    assert (result.outputs["given"]["value"], result.outputs["given"]["list"]) == (text, [[text], {"deep": text}])


async def test_secrets_of_the_environment_are_in_no_file_and_no_result(place: Place, tmp_path: Path) -> None:
    token, password = f"token-{uuid.uuid4().hex}", f'pass"word\\{uuid.uuid4().hex}'
    heard: list[Progress] = []
    environment = {"MY_TOKEN": token, "MY_PASSWORD": password}
    what = work("leaks.yml", environment=environment, extra_vars={"outside": str(tmp_path / "kept")})
    result = await done(place, what, report=heard.append)
    assert result.status is WorkStatus.SUCCEEDED, result.message
    assert (tmp_path / "kept").read_text() == token, "the playbook itself has it"
    spread = [password.split("\\")[1], token]
    for file in place.settings.data_dir.rglob("*"):
        text = file.read_bytes().decode("utf-8", "replace") if file.is_file() else file.name
        assert not [secret for secret in spread if secret in text], file
    assert not [secret for secret in spread if secret in f"{result} {heard}"]


# --- what is kept ---


async def test_a_playbook_that_prints_twenty_megabytes_leaves_a_bounded_log(place: Place) -> None:
    what = work("flood.yml")
    result = await done(place, what)
    assert result.message == "printed it"
    kept = sum(file.stat().st_size for file in place.artifacts(what.ident).rglob("*") if file.is_file())
    assert LOG_LIMIT < kept < LOG_LIMIT + 100_000
    log = b"".join([piece async for piece in place.executor.log(what.ident)])
    assert b"the rest of the output is not kept" in log[-200:]


async def test_the_log_can_be_followed_to_its_end(place: Place) -> None:
    what = work("naps.yml")
    asked = asyncio.create_task(done(place, what))
    await until((place.artifacts(what.ident) / traces.LOG).exists)
    async with asyncio.timeout(PATIENCE):
        log = b"".join([piece async for piece in place.executor.log(what.ident, follow=True)])
    assert b"PLAY RECAP" in log
    assert (await asked).status is WorkStatus.SUCCEEDED


async def test_what_is_discarded_is_forgotten_and_what_runs_is_not(place: Place) -> None:
    what = work("naps.yml")
    asked = asyncio.create_task(done(place, what))
    await until(lambda: traces.driver_of(place.artifacts(what.ident)))
    await place.executor.discard(what.ident)
    assert (await asked).outputs == {"slept": True}
    await place.executor.discard(what.ident)
    assert not place.artifacts(what.ident).exists()
    with pytest.raises(NotFoundError):
        await anext(place.executor.log(what.ident))


async def test_progress_names_the_tasks(place: Place) -> None:
    heard: list[Progress] = []
    what = work("fails.yml")
    await done(place, what, report=heard.append)
    if place.settings.warm:
        assert ("runner_on_failed", "Look for the shelf") in [(each.event, each.task) for each in heard]
    assert {each.ident for each in heard} <= {what.ident}


async def test_work_tells_that_it_begins_when_it_is_its_turn(place: Place) -> None:
    heard: list[Progress] = []
    works = [sleeping("silent.yml", timeout=30) for _ in range(4)]
    asked = [asyncio.create_task(done(place, each, report=heard.append)) for each in works]
    await until(lambda: sum(len(sleepers(each)) for each in works) == 3)
    waits = next(each for each in works if traces.driver_of(place.artifacts(each.ident)) is None)
    assert [each.ident for each in heard if each.event == BEGUN] == [each.ident for each in works if each is not waits]
    await place.executor.cancel(next(each.ident for each in works if each is not waits))
    await until(lambda: [each for each in heard if each.ident == waits.ident and each.event == BEGUN])
    for each in works:
        await place.executor.cancel(each.ident)
    await asyncio.gather(*asked)


async def test_no_more_than_the_set_number_play_at_once(place: Place) -> None:
    works = [sleeping("silent.yml", timeout=30) for _ in range(5)]
    asked = [asyncio.create_task(done(place, each)) for each in works]
    await until(lambda: sum(len(sleepers(each)) for each in works) == 3)
    begun = [each for each in works if traces.driver_of(place.artifacts(each.ident))]
    assert len(begun) == 3
    for each in works:
        await place.executor.cancel(each.ident)
    assert {each.status for each in await asyncio.gather(*asked)} == {WorkStatus.CANCELLED}
    assert [sleepers(each) for each in works] == [[]] * 5


async def test_nothing_is_left_when_it_is_closed_with_cancel(place: Place) -> None:
    other = await place.another()
    what = sleeping("silent.yml")
    asked = asyncio.create_task(other.carry_out(what))
    await until(lambda: sleepers(what))
    await other.close(cancel=True)
    assert (await asked).status is WorkStatus.CANCELLED
    assert sleepers(what) == []
