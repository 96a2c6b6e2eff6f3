"""What our event source tells of a real runner's events, when, and how often."""

from __future__ import annotations

import asyncio
import json
import runpy
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.eda.conftest import newest
from tests.support.runner import Runner, resource

SECONDS = 30


class Source:
    """Our event source with the queue that it tells events to."""

    def __init__(self, collections: Path, runner: Runner) -> None:
        folder = collections / "ansible_collections/kabanero/events/extensions/eda/plugins/event_source"
        self.main = runpy.run_path(str(folder / "bus.py"))["main"]
        self.login = {"kubeconfig": str(runner.data / "kubeconfig")}

    @asynccontextmanager
    async def told(self, **options: Any) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
        """Runs it meanwhile."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        task = asyncio.create_task(self.main(queue, {**self.login, "interval": 0.05, **options}))
        await asyncio.sleep(0)
        try:
            yield queue
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def source(collections: Path, runner: Runner) -> Source:
    return Source(collections, runner)


async def commits(queue: asyncio.Queue[dict[str, Any]], count: int) -> list[str]:
    """Those of the next pushes."""
    async with asyncio.timeout(SECONDS):
        return [(await queue.get())["data"]["commit"] for _ in range(count)]


async def push(runner: Runner, branch: str, commit: str, **payload: Any) -> None:
    assert await asyncio.to_thread(lambda: runner.push(branch, commit=commit, **payload)) == 202


def branch() -> str:
    return f"b-{uuid.uuid4()}"


async def test_an_event_has_what_a_trigger_sees_but_not_the_raw_body(source: Source, runner: Runner) -> None:
    name = branch()
    await push(runner, name, "c1")
    async with source.told(match={"branch": name}, since="earliest") as queue, asyncio.timeout(SECONDS):
        event = await queue.get()
    assert (event["topic"], event["data"]["eventName"], event["data"]["branch"]) == ("SourceRepository", "Push", name)
    assert "rawData" not in event["data"]


async def test_the_raw_body_is_told_when_it_is_wanted(source: Source, runner: Runner) -> None:
    name = branch()
    await push(runner, name, "c1")
    async with source.told(match={"branch": name}, since="earliest", raw=True) as queue, asyncio.timeout(SECONDS):
        assert (await queue.get())["data"]["rawData"]["after"] == "c1"


async def test_all_that_is_kept_is_told_in_order(source: Source, runner: Runner) -> None:
    name = branch()
    for number in range(3):
        await push(runner, name, f"c{number}")
    async with source.told(match={"branch": name}, since="earliest") as queue:
        assert await commits(queue, 3) == ["c0", "c1", "c2"]


async def test_a_filter_lets_through_what_a_triggers_would(source: Source, runner: Runner) -> None:
    name = branch()
    filters = [
        {"attribute": "branch", "allowed": [f"{name}/*"]},
        {"jsonPath": "$.rawData.head_commit.message", "disallowed": ["*skip ci*"]},
    ]
    await push(runner, name, "no1")
    await push(runner, f"{name}/1", "no2", head_commit={"id": "no2", "message": "docs [skip ci]"})
    await push(runner, f"{name}/1", "yes")
    async with source.told(filter=filters, since="earliest") as queue:
        assert await commits(queue, 1) == ["yes"]


async def test_other_topics_are_not_told(source: Source, runner: Runner) -> None:
    name = branch()
    await push(runner, name, "c1")
    runner.apply(resource("StrategyEvent", name, {"topic": name, "data": {"name": "mine"}}))
    async with source.told(topic=name, since="earliest") as queue, asyncio.timeout(SECONDS):
        assert (await queue.get())["data"]["name"] == "mine"
        assert queue.empty()


async def test_an_outage_is_waited_out_and_nothing_is_left_out_or_told_twice(source: Source, runner: Runner) -> None:
    name = branch()
    await push(runner, name, "first")
    async with source.told(match={"branch": name}, since="earliest") as queue:
        assert await commits(queue, 1) == ["first"]
        await asyncio.to_thread(runner.kill)
        await asyncio.to_thread(runner.start)
        await push(runner, name, "second")
        assert await commits(queue, 1) == ["second"]
        assert queue.empty()


async def test_a_runner_that_is_not_there_yet_is_waited_for(source: Source, runner: Runner, tmp_path: Path) -> None:
    kubeconfig, name = tmp_path / "kubeconfig", branch()
    await push(runner, name, "c1")
    async with source.told(match={"branch": name}, since="earliest", kubeconfig=str(kubeconfig)) as queue:
        kubeconfig.write_text((runner.data / "kubeconfig").read_text())
        assert await commits(queue, 1) == ["c1"]


async def test_without_a_bookmark_it_begins_with_what_comes(source: Source, runner: Runner, tmp_path: Path) -> None:
    name, bookmark = branch(), tmp_path / "bookmark.json"
    await push(runner, name, "before")
    async with source.told(match={"branch": name}, bookmark=str(bookmark), settle=0) as queue:
        async with asyncio.timeout(SECONDS):
            while not bookmark.exists():
                await asyncio.sleep(0.01)
        await push(runner, name, "after")
        assert await commits(queue, 1) == ["after"]


async def test_a_bookmark_tells_again_what_may_not_have_been_done(
    source: Source, runner: Runner, tmp_path: Path
) -> None:
    name, bookmark = branch(), tmp_path / "bookmark.json"
    bookmark.write_text(json.dumps({"sequence": newest(runner)}))
    await push(runner, name, "c1")
    for _ in range(2):
        async with source.told(match={"branch": name}, bookmark=str(bookmark), settle=3600) as queue:
            assert await commits(queue, 1) == ["c1"]


async def test_a_bookmark_does_not_tell_again_what_was_confirmed(
    source: Source, runner: Runner, tmp_path: Path
) -> None:
    name, bookmark = branch(), tmp_path / "bookmark.json"
    bookmark.write_text(json.dumps({"sequence": newest(runner)}))
    await push(runner, name, "c1")
    feedback: asyncio.Queue[Any] = asyncio.Queue()
    options: dict[str, Any] = {"match": {"branch": name}, "bookmark": str(bookmark), "settle": 3600}
    async with source.told(**options, eda_feedback_queue=feedback) as queue:
        assert await commits(queue, 1) == ["c1"]
        kept = bookmark.read_text()
        await feedback.put("confirmed")
        async with asyncio.timeout(SECONDS):
            while bookmark.read_text() == kept:
                await asyncio.sleep(0.01)
    await push(runner, name, "c2")
    async with source.told(**options) as queue:
        assert await commits(queue, 1) == ["c2"]


async def test_a_bookmark_of_a_bus_that_was_made_anew_leaves_nothing_out(
    source: Source, runner: Runner, tmp_path: Path
) -> None:
    name, bookmark = branch(), tmp_path / "bookmark.json"
    bookmark.write_text(json.dumps({"sequence": newest(runner) + 1_000_000}))
    await push(runner, name, "c1")
    async with source.told(match={"branch": name}, bookmark=str(bookmark)) as queue:
        assert await commits(queue, 1) == ["c1"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"topik": "Timer"}, "has no option topik"),
        ({"since": "yesterday"}, "since is 'yesterday'; possible: now, earliest"),
        ({"filter": [{"allowed": ["x"]}]}, "either attribute or jsonPath"),
        ({"filter": [{"jsonPath": "$.["}]}, "can't be read"),
    ],
)
async def test_options_that_cannot_be_meant_are_told_at_once(
    source: Source, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(Exception, match=said.replace("$", r"\$")):
        await asyncio.wait_for(source.main(asyncio.Queue(), {**source.login, **options}), SECONDS)
