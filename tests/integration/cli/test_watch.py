"""`watch` and `submit --wait`: a live tree on a terminal, lines elsewhere, across a restart of the runner."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pexpect
import pytest

from tests.integration.cli.world import KABANERO, LATER, STRATEGY, Story, World

RED = "\x1b[31m"


@pytest.fixture
def story(world: World) -> Story:
    world.create(STRATEGY)
    return Story(world).begin()


class Terminal:
    """`kabanero` on a terminal of 24 lines."""

    def __init__(self, world: World, *args: str, columns: int = 100, **environment: str) -> None:
        env = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **world.environment(**environment)}
        self.child = pexpect.spawn(
            KABANERO, list(args), env=env, dimensions=(24, columns), encoding="utf-8", timeout=15
        )
        self.child.delaybeforesend = None

    def sees(self, text: str) -> None:
        """Waits until this is drawn."""
        self.child.expect_exact(text)

    def ends(self) -> tuple[int, str]:
        """Exit code, and what was drawn since the last thing seen."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus, self.child.before


@pytest.fixture
def terminal(world: World) -> Iterator[Terminal]:
    made = Terminal(world, "watch", "@latest")
    yield made
    made.child.close(force=True)


class TestOnATerminal:
    def test_the_tree_follows_the_run_to_its_end(self, story: Story, terminal: Terminal) -> None:
        terminal.sees("main-7f3a")
        story.stage("build", "Running", {"waitsOn": "Playbook", "progress": {"task": "Compile"}}, triggeredBy=["start"])
        story.write()
        terminal.sees("Compile")
        story.stage("build", "Succeeded", completionTime=LATER).end("Succeeded")
        terminal.sees("Succeeded\x1b[0m after 42.0s")
        assert terminal.ends()[0] == 0

    def test_a_run_that_fails_says_why_and_where_to_look(self, story: Story, terminal: Terminal) -> None:
        story.stage("build", "Failed", completionTime=LATER, reason="TaskFailed", message="Compile: exit 2").end(
            "Failed"
        )
        code, shown = terminal.ends()
        assert code == 1
        assert "run main-7f3a ended as Failed after 42.0s" in shown
        assert "build: TaskFailed: Compile: exit 2" in shown
        assert "kabanero logs main-7f3a build" in shown

    def test_a_stage_that_asks_is_shown_with_the_command_to_answer(self, story: Story, terminal: Terminal) -> None:
        story.stage("approval", "Running", {"waitsOn": "Approval"}).write()
        terminal.sees("kabanero approve main-7f3a")

    def test_ctrl_c_ends_the_watch_and_not_the_run(self, story: Story, terminal: Terminal) -> None:
        terminal.sees("main-7f3a")
        terminal.child.sendintr()
        code, shown = terminal.ends()
        assert code == 130
        assert "the run goes on" in shown

    def test_it_goes_on_after_a_restart_of_the_runner(self, world: World, story: Story, terminal: Terminal) -> None:
        terminal.sees("main-7f3a")
        world.stop()
        terminal.sees("trying again")
        world.start()
        story.stage("build", "Succeeded", completionTime=LATER).end("Succeeded")
        assert terminal.ends()[0] == 0

    def test_colours_are_there_unless_nobody_wants_them(self, world: World, story: Story) -> None:
        story.stage("build", "Failed", completionTime=LATER).end("Failed")
        assert "\x1b[1;31m" in Terminal(world, "watch").ends()[1]
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", Terminal(world, "watch", NO_COLOR="1").ends()[1])

    def test_tables_are_cut_to_its_width(self, world: World, story: Story) -> None:
        _, shown = Terminal(world, "get", "sr", "-o", "wide", columns=60).ends()
        assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in shown.splitlines()) <= 60


class TestWithoutATerminal:
    def test_each_change_is_a_line(self, world: World, story: Story) -> None:
        going = world.begin("watch", story.name)
        story.stage("build", "Running").write()
        assert going.stdout
        assert going.stdout.readline().split()[1:3] == ["build", "Running"]
        story.stage("build", "Succeeded", completionTime=LATER).write()
        assert going.stdout.readline().split()[1:] == ["build", "Succeeded", "42.0s"]
        story.end("Succeeded")
        assert going.stdout.readline() == "Succeeded after 42.0s\n"
        assert going.wait(10) == 0

    def test_json_is_one_object_a_line(self, world: World, story: Story) -> None:
        story.stage("build", "Succeeded", completionTime=LATER).end("Succeeded")
        done = world.run("watch", story.name, "-o", "json")
        assert json.loads(done.lines[-1])["phase"] == "Succeeded"

    def test_a_timeout_has_an_exit_code_of_its_own(self, world: World, story: Story) -> None:
        assert world.run("watch", story.name, "--timeout", "0.2").code == 6

    def test_a_run_that_is_deleted_under_way_ends_the_watch(self, world: World, story: Story) -> None:
        going = world.begin("watch", story.name)
        story.stage("build", "Running").write()
        assert going.stdout and going.stderr
        going.stdout.readline()
        world.run("delete", "run", story.name)
        assert going.wait(10) == 3
        assert "was deleted" in going.stderr.read()

    def test_without_any_run_it_says_how_to_start_one(self, world: World) -> None:
        done = world.run("watch")
        assert (done.code, "kabanero submit" in done.err) == (3, True)

    def test_submit_can_wait_for_the_end(self, world: World) -> None:
        world.create(STRATEGY)
        going = world.begin("submit", "main", "--name", "mine", "--wait")
        assert going.stdout
        assert going.stdout.readline() == "run mine created\n"
        world.set_status("strategyruns", "mine", {"phase": "Failed", "startTime": LATER, "completionTime": LATER})
        assert going.wait(10) == 1
