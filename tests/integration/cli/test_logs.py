"""`logs`: from the log endpoint of the API, streamed, one stage or several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kabanero.api.http import TEXT, Reply, Request, Stream
from kabanero.api.status import failure
from kabanero.api.targets import Target

from tests.integration.cli.world import STRATEGY, Story, World

PRINTED = {
    "main-7f3a-build": [b"TASK [Compile] ***\r\r\n\x1b[0;32mok: [local", b"host]\x1b[0m\n", b"\x1b]0;owned\x07 last"],
    "main-7f3a-fvt": ["größer ✔\n".encode(), b"\xff\xfe\n"],
}


async def log(request: Request, target: Target) -> Reply:
    """What a playbook would have printed."""
    if target.name not in PRINTED:
        raise failure(404, "NotFound", f"stage run {target.name} has no log")
    return Stream(_pieces(PRINTED[target.name], request.flag("follow")), TEXT)


async def _pieces(pieces: list[bytes], follow: bool) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        if follow:
            await asyncio.sleep(0)


@pytest.fixture
def story(world: World) -> Story:
    world.stop()
    world.logs[("stageruns", "log")] = log
    world.start()
    world.create(STRATEGY)
    return Story(world).begin()


def test_one_stage_is_printed_as_it_is_without_colours(world: World, story: Story) -> None:
    story.stage("build", "Succeeded").write()
    lines = world.run("logs", story.name, "build").lines
    assert lines == ["TASK [Compile] ***", "ok: [localhost]", "\\e]0;owned\\x07 last"]


def test_banners_end_where_the_terminal_does(world: World, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    banner = "TASK [Compile] " + "*" * 64
    monkeypatch.setitem(PRINTED, "main-7f3a-build", [f"{banner}\n".encode()])
    story.stage("build", "Succeeded").stage("FVT", "Running").write()
    assert world.on_terminal(60, "logs", story.name)[0] == f"build | {banner[:52]}"
    assert world.run("logs", story.name).lines[0] == f"build | {banner}"


@pytest.mark.parametrize("options", [[], ["--follow"]])
def test_lines_of_several_stages_begin_with_the_stage(world: World, story: Story, options: list[str]) -> None:
    story.stage("build", "Succeeded").stage("FVT", "Running").write()
    lines = world.run("logs", story.name, *options).lines
    assert sorted(lines) == sorted(
        [
            "build | TASK [Compile] ***",
            "build | ok: [localhost]",
            "build | \\e]0;owned\\x07 last",
            "FVT   | größer ✔",
            "FVT   | ��",
        ]
    )


def test_a_stage_without_a_log_is_silent_among_others_and_an_error_alone(world: World, story: Story) -> None:
    story.stage("build", "Succeeded").stage("approval", "Running").write()
    assert world.run("logs", story.name).code == 0
    done = world.run("logs", story.name, "approval")
    assert (done.code, "has no log" in done.err) == (3, True)


def test_a_run_in_which_nothing_has_started_says_so(world: World, story: Story, tmp_path: Path) -> None:
    done = world.run("logs", story.name)
    assert (done.code, "no stage of main-7f3a has started yet" in done.err) == (5, True)
