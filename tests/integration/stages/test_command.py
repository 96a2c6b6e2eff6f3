"""`ctx.run` and its guard, with real processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kabanero.stages import Context, StageCancelled, StageFailed
from kabanero.stages.wire import Wire

from tests.support.runs import wait

STAGE_RUN = {
    "metadata": {"name": "run-build", "namespace": "kabanero", "uid": "1"},
    "spec": {"stageName": "build", "strategy": "main", "strategyRun": "run", "contextID": "c"},
    "status": {"attempt": 1},
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire(lambda: None)
    yield made
    made.end()


@pytest.fixture
def ctx(wire: Wire) -> Context:
    return Context(STAGE_RUN, {"spec": {}}, wire)


def lives(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def pids(folder: Path, count: int) -> list[int]:
    """What the commands of a test have written down of themselves."""
    file = folder / "pids"
    return wait(lambda: file.exists() and len(found := file.read_text().split()) >= count and list(map(int, found)))


def test_a_command_hands_back_its_output_and_runs_in_the_workspace(ctx: Context) -> None:
    done = ctx.run(["sh", "-c", "pwd; echo $OF_THE_TEST; echo careful >&2"], env={"OF_THE_TEST": "yes"})
    assert (done.stdout, done.stderr, done.code) == (f"{ctx.workspace.resolve()}\nyes\n", "careful\n", 0)


def test_a_command_that_fails_fails_the_stage_with_the_end_of_its_stderr(ctx: Context) -> None:
    with pytest.raises(StageFailed, match=r"(?s)^sh ended with 3: .*last words$") as raised:
        ctx.run(["sh", "-c", "seq 100000 >&2; echo last words >&2; exit 3"])
    assert raised.value.reason == "CommandFailed"
    assert len(str(raised.value)) < 2100


def test_a_command_that_may_fail_tells_its_code(ctx: Context) -> None:
    assert ctx.run(["sh", "-c", "exit 3"], check=False).code == 3
    assert ctx.run(["sh", "-c", "kill -9 $$"], check=False).code == 137


def test_a_program_that_is_not_there_is_named(ctx: Context) -> None:
    with pytest.raises(StageFailed, match="no-such-program: No such file or directory"):
        ctx.run(["no-such-program"])


def test_what_a_command_leaves_in_the_background_does_not_outlive_it(ctx: Context) -> None:
    ctx.run(["sh", "-c", "setsid sh -c 'echo $$ > pids; exec sleep 299' & while ! [ -s pids ]; do :; done"])
    (pid,) = pids(ctx.workspace, 1)
    assert not lives(pid)


def test_a_cancel_ends_a_command_with_all_that_it_began(ctx: Context, wire: Wire) -> None:
    script = "(setsid sh -c 'echo $$ >> pids; exec sleep 299' &) ; echo $$ >> pids; exec sleep 299"
    begun: list[int] = []

    def cancel() -> None:
        begun.extend(pids(ctx.workspace, 2))
        wire.cancel("on request")

    ctx.workspace  # noqa: B018 - made here, not by two threads at once
    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(StageCancelled, match="on request"):
        ctx.run(["sh", "-c", script])
    canceller.join()
    assert len(begun) == 2 and not any(map(lives, begun))


def test_nothing_is_begun_after_a_cancel(ctx: Context, wire: Wire) -> None:
    wire.cancel("on request")
    with pytest.raises(StageCancelled):
        ctx.run(["touch", "made"])
    assert not (ctx.workspace / "made").exists()


def test_commands_die_with_a_program_that_is_killed(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from kabanero.stages.command import Command;"
        "Command(['sh', '-c', 'echo $$ >> pids; setsid sh -c \"echo \\\\$\\\\$ >> pids; exec sleep 299\" & sleep 299'],"
        f" Path({str(tmp_path)!r}), {{}}).wait()"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    begun = pids(tmp_path, 2)
    process.kill()
    process.wait()
    wait(lambda: not any(map(lives, begun)))


async def test_an_async_function_is_told_not_to_hold_up_the_loop(ctx: Context) -> None:
    with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
        ctx.run(["true"])
    assert (await asyncio.to_thread(ctx.run, ["echo", "well"])).stdout == "well\n"


def test_the_workspace_goes_at_the_end(ctx: Context, wire: Wire) -> None:
    (ctx.workspace / "file").touch()
    wire.end()
    assert not ctx.workspace.exists()
